using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Products;

/// <summary>Products and convolutions on the CPU against their definition, at every vector width and with several threads.</summary>
public sealed class ProductTests
{
    private const int SeedsPerForm = 120;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, SeedsPerForm)];

    public static TheoryData<int> SomeSeeds => [.. Enumerable.Range(0, SeedsPerForm / 2)];

    public static TheoryData<int> FewSeeds => [.. Enumerable.Range(0, SeedsPerForm / 5)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Contract_has_the_defined_bits(int seed) => Check(seed, it =>
    {
        var type = it.Any(DType.Float32, DType.Float32, DType.Float64);
        long m = it.Any(1, 3, 6, 7, 13, it.Next(1, 70)), n = it.Any(1, 10, 16, 17, 64, 65, it.Next(1, 150)), k = it.Any(0, 1, 8, it.Next(1, 80), it.Next(500, 600));
        if (seed % 10 == 0)
            (m, n, k) = (it.Next(1, 9), it.Next(1, 40), it.Next(2040, 6200));
        long[] batch = it.Any<long[]>([], [], [2], [3, 2]);
        var (left, right, target) = (it.Strided(type, [.. batch, m, k]), it.Strided(type, [.. batch, k, n]), it.Strided(type, [.. batch, m, n]));
        var epilogue = seed % 3 == 0 ? Fused(type, it.Repeated(type, [.. batch, m, n]), it.Repeated(type, [.. batch, m, n])) : null;
        return new ContractKernel(left, right, target, [], epilogue);
    });

    /// <summary>Long rows are what an answer to one sample is made of, and have ways of their own.</summary>
    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void A_single_row_or_column_has_the_defined_bits(int seed) => Check(seed, it =>
    {
        const DType type = DType.Float32;
        long n = it.Any(15, 16, 32, 33, it.Next(1, 140)), k = it.Any(63, 64, 80, it.Next(60, 700), it.Next(2040, 4200));
        long[] batch = it.Any<long[]>([], [], [3]);
        var (m, columns) = it.Any((1L, n), (n, 1L));
        var epilogue = seed % 3 == 0 ? Fused(type, it.Repeated(type, [.. batch, m, columns]), it.Repeated(type, [.. batch, m, columns])) : null;
        return new ContractKernel(it.Strided(type, [.. batch, m, k]), it.Strided(type, [.. batch, k, columns]), it.Strided(type, [.. batch, m, columns]), [], epilogue);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Contract_over_shards_has_the_defined_bits(int seed) => Check(seed, it =>
    {
        var type = it.Any(DType.Float32, DType.Float32, DType.Float64);
        int shards = seed % 10 == 9 ? it.Next(9, 40) : it.Next(1, 9);
        long m = it.Any(1, 6, 13, it.Next(1, 60)), n = it.Any(1, 16, 64, it.Next(1, 140)), k = it.Any(1, 8, it.Next(1, 40));
        // Several blocks, a chain in pieces, more tiles than are done at once, and more shards.
        (m, n, k) = (seed % 10) switch
        {
            0 => (it.Next(1, 9), it.Next(1, 20), it.Next(2040, 5000)),
            3 => (it.Next(1, 30), it.Next(1, 40), it.Next(300, 900)),
            6 => (it.Next(300, 900), it.Next(1, 40), it.Next(1, 12)),
            9 => (it.Next(1, 30), it.Next(1, 40), it.Next(20, 120)),
            _ => (m, n, k),
        };
        long[] batch = it.Any<long[]>([], [], [2]);
        var tree = it.Tree(shards);
        return new ContractKernel(it.Strided(type, [shards, .. batch, m, k]), it.Strided(type, [shards, .. batch, k, n]), it.Strided(type, [tree.Length, .. batch, m, n]), tree, null,
            Rounded: type == DType.Float32 && seed % 3 == 1);
    });

    /// <summary>Long and with rows and columns enough that panels serve several blocks of rows: k of one block and of two.</summary>
    [Theory]
    [InlineData(130, 140, 1100, false)]
    [InlineData(140, 129, 2100, false)]
    [InlineData(131, 150, 1100, true)]
    [InlineData(100, 150, 1100, true)]
    public void A_long_product_of_one_shard_has_the_defined_bits(int m, int n, int k, bool rounded) => Check(k, it =>
    {
        var tree = it.Tree(1);
        return new ContractKernel(it.Strided(DType.Float32, 1, m, k), it.Strided(DType.Float32, 1, k, n), it.Strided(DType.Float32, tree.Length, m, n), tree, null, rounded);
    });

    /// <summary>Such rows have few places in a cache, and are copied where panel after panel wants them.</summary>
    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void Rows_or_steps_a_power_of_two_apart_have_the_defined_bits(int seed) => Check(seed, it =>
    {
        var type = it.Any(DType.Float32, DType.Float32, DType.Float64);
        const int pitch = 512;
        int shards = seed % 2 == 0 ? it.Next(1, 5) : 1;
        bool areRows = it.Any(false, true);
        long n = it.Any(it.Next(9, 40), it.Next(41, 140)), few = it.Any(it.Next(1, 20), it.Next(100, 250)), many = it.Next(1, pitch);
        var (m, k) = areRows ? (few, many) : (many, few);
        var matrix = it.Plain(type, shards, few, pitch) with { Shape = Shape.Of(shards, few, many) };
        var left = areRows ? matrix : matrix with { Shape = Shape.Of(shards, many, few), Strides = [matrix.Strides[0], 1, pitch] };
        if (seed % 2 == 0)
        {
            var tree = it.Tree(shards);
            return new ContractKernel(left, it.Strided(type, shards, k, n), it.Strided(type, tree.Length, m, n), tree, null, Rounded: type == DType.Float32 && seed % 6 == 0);
        }

        var epilogue = seed % 3 == 0 ? Fused(type, it.Repeated(type, m, n), it.Repeated(type, m, n)) : null;
        return new ContractKernel(Operands.Row(left, 0), it.Strided(type, k, n), it.Any(it.Plain(type, m, n), it.Strided(type, m, n)), [], epilogue);
    });

    /// <summary>A matrix laid out in panels is read where it lies, whatever a panel's width is here.</summary>
    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void Products_over_panels_have_the_defined_bits(int seed) => Check(seed, it =>
    {
        var type = it.Any(DType.Float32, DType.Float32, DType.Float64);
        long panels = it.Next(1, 3), m = it.Any(it.Next(1, 20), it.Next(130, 150)), k = it.Any(it.Next(1, 60), it.Next(380, 800)), n = panels * Panels.Columns;
        // What a recurrent layer's step reads lies as far apart as steps are long.
        var rows = it.Any(it.Plain(type, m, k), it.Plain(type, m, 2048) with { Shape = Shape.Of(m, k) });
        var left = rows with { Shape = Shape.Of(panels, m, k), Strides = [0, .. rows.Strides] };
        var epilogue = seed % 3 == 0 ? Fused(type, Cut(it.Strided(type, m, n)), Cut(it.Repeated(type, m, n))) : null;
        return new ContractKernel(left, it.Plain(type, panels, k, Panels.Columns), Cut(it.Any(it.Plain(type, m, n), it.Strided(type, m, n))), [], epilogue);

        static Operand Cut(Operand matrix) => Panels.Cut(matrix, Panels.Columns);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Convolve_has_the_defined_bits(int seed) => Check(seed, it =>
    {
        var type = it.Any(DType.Float32, DType.Float32, DType.Float64);
        int groups = it.Any(1, 1, 1, 2), channels = groups * it.Next(1, 4), outputs = groups * it.Any(1, 2, 7, 13), samples = it.Any(1, 2, 3, 4);
        var window = new Window2D(it.Next(1, 5), it.Next(1, 5), it.Any(1, 1, 2, 3), it.Any(1, 1, 2, 3), it.Next(0, 2), it.Next(0, 2), it.Any(1, 1, 2), it.Any(1, 1, 2));
        int height = it.Next((window.KernelHeight - 1) * window.DilationHeight + 1, 18), width = it.Next((window.KernelWidth - 1) * window.DilationWidth + 1, 18);
        long oh = (height + 2 * window.PadTop - (window.KernelHeight - 1) * window.DilationHeight - 1) / window.StrideHeight + 1;
        long ow = (width + 2 * window.PadLeft - (window.KernelWidth - 1) * window.DilationWidth - 1) / window.StrideWidth + 1;
        var form = (ConvolveForm)(seed % 3);
        int shards = form == ConvolveForm.FilterGradient && seed % 2 == 0 ? it.Next(1, 6) : 0;
        if (seed % 15 == 2)
            (samples, height, width, oh, ow, window) = (3, 30, 31, 30, 31, new Window2D(1, 1));
        // Few pixels of many samples: a filter's gradient of several blocks.
        if (seed % 15 == 5)
            (samples, height, width, oh, ow, window) = (40, 8, 9, 8, 9, new Window2D(3, 3, PadTop: 1, PadLeft: 1));
        // Results, and images, of one column and of one row.
        (height, width, oh, ow, window) = (seed % 15) switch
        {
            3 => (30, 3, 30, 1, new Window2D(1, 3)),
            6 => (3, 30, 1, 30, new Window2D(3, 1)),
            4 => (30, 1, 30, 1, new Window2D(1, 1)),
            7 => (1, 30, 1, 30, new Window2D(1, 1)),
            _ => (height, width, oh, ow, window),
        };
        bool rounded = type == DType.Float32 && seed % 4 == 2;
        return Convolution(it, form, window, type, shards, (samples, channels, outputs), (height, width), (oh, ow), rounded, groups);
    });

    /// <summary>Pixels in whole vectors, or several samples' together, and many channels: planes are read where they lie.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Convolutions_of_whole_vectors_have_the_defined_bits(int seed) => Check(seed, DrawVectors(seed));

    /// <summary>Weights and pixels that are no numbers: a tap that does not reach a pixel must not make it one.</summary>
    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void Convolutions_of_what_is_no_number_have_the_defined_bits(int seed) => Check(seed, it =>
    {
        it.Infinities = it.Any(0.003, 0.01, 0.03);
        return seed % 4 == 0 ? DrawVectors(seed / 4)(it) : DrawImageGradient(it);
    });

    /// <summary>Those that are put together from pixels of several classes have rows of whole vectors of each.</summary>
    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void Gradients_of_images_of_whole_vectors_have_the_defined_bits(int seed) => Check(seed, DrawImageGradient);

    /// <summary>Columns that no window reaches, taps far apart, strides longer than the window.</summary>
    [Theory]
    [InlineData(1, 5, 2, 1, 8, 1)]
    [InlineData(1, 2, 0, 1, 8, 32)]
    [InlineData(2, 3, 1, 1, 12, 48)]
    [InlineData(3, 1, 8, 8, 8, 8)]
    [InlineData(3, 1, 4, 1, 4, 16)]
    [InlineData(5, 4, 2, 3, 16, 64)]
    public void Windows_that_reach_little_have_the_defined_bits(int kernel, int stride, int pad, int dilation, int height, int width)
    {
        foreach (var form in Enum.GetValues<ConvolveForm>())
        {
            Check(kernel, it =>
            {
                const DType type = DType.Float32;
                long Out(int size) => (size + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
                return Convolution(it, form, new Window2D(kernel, kernel, stride, stride, pad, pad, dilation, dilation), type, 0, (2, 7, 32), (height, width), (Out(height), Out(width)));
            });
        }
    }

    /// <summary>With memory for a few channels' filters at once.</summary>
    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void Convolutions_of_whole_vectors_part_by_part_have_the_defined_bits(int seed) => Check(seed, DrawVectors(seed), [1, 20_000]);

    private static Func<KernelCase, Kernel> DrawVectors(int seed) => it =>
    {
        const DType type = DType.Float32;
        int channels = it.Any(6, 7, 16, it.Next(6, 30)), outputs = it.Any(8, 16, 32, 32, 64, 13, 29, 50), samples = it.Any(1, 2, 3, 5);
        var window = new Window2D(it.Any(1, 2, 3, 3), it.Any(1, 2, 3, 3), it.Any(1, 1, 1, 2), it.Any(1, 1, 1, 2), it.Next(0, 2), it.Next(0, 2), it.Any(1, 1, 2), it.Any(1, 1, 2));
        var (oh, ow) = it.Any((4, 4), (8, 8), (2, 16), (4, 16), (8, 2), (16, 1), (1, 32), (2, 8), (5, 16), (6, 8), (12, 12), (7, 7));
        int height = (oh - 1) * window.StrideHeight + (window.KernelHeight - 1) * window.DilationHeight + 1 - 2 * window.PadTop;
        int width = (ow - 1) * window.StrideWidth + (window.KernelWidth - 1) * window.DilationWidth + 1 - 2 * window.PadLeft;
        if (height < 1 || width < 1)
            (window, height, width) = (window with { PadTop = 0, PadLeft = 0 }, height + 2 * window.PadTop, width + 2 * window.PadLeft);
        // Which side comes in vectors is the form's; a gradient's is the image.
        var form = (ConvolveForm)(seed % 3);
        if (form == ConvolveForm.ImageGradient && it.Any(true, true, false))
        {
            var (imageHeight, imageWidth) = (oh * window.StrideHeight, ow * window.StrideWidth);
            int h = imageHeight + 2 * window.PadTop - (window.KernelHeight - 1) * window.DilationHeight - 1, w = imageWidth + 2 * window.PadLeft - (window.KernelWidth - 1) * window.DilationWidth - 1;
            if (h >= 0 && w >= 0)
                (height, width, oh, ow) = (imageHeight, imageWidth, h / window.StrideHeight + 1, w / window.StrideWidth + 1);
        }

        if (seed % 24 == 3)
            (channels, outputs, samples) = (it.Any(520, 700), 8, 1);
        else if (seed % 24 == 4)
            (channels, outputs, samples) = (8, it.Any(520, 2100), 1);
        else if (seed % 24 == 5)
            (channels, outputs, samples) = (6, 32, 150);
        int shards = form == ConvolveForm.FilterGradient && it.Any(true, false) ? it.Next(1, 6) : 0;
        return Convolution(it, form, window, type, shards, (samples, channels, outputs), (height, width), (oh, ow), rounded: seed % 4 == 2);
    };

    private static ConvolveKernel DrawImageGradient(KernelCase it)
    {
        var window = new Window2D(it.Next(2, 3), it.Next(2, 3), it.Any(1, 2), it.Any(1, 2, 2, 2), it.Next(0, 1), it.Next(0, 1));
        // Of each class; the lesser ones are half a vector.
        var (height, width) = it.Any((4, 8), (2, 16), (6, 8), (1, 32), (3, 16), (8, 4));
        (height, width) = (height * window.StrideHeight, width * window.StrideWidth);
        var result = ((height + 2 * window.PadTop - window.KernelHeight) / window.StrideHeight + 1, (width + 2 * window.PadLeft - window.KernelWidth) / window.StrideWidth + 1);
        return Convolution(it, ConvolveForm.ImageGradient, window, DType.Float32, 0, (it.Next(1, 3), it.Next(6, 20), it.Any(8, 16, 13)), (height, width), result);
    }

    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void Winograd_has_the_defined_bits(int seed) => Check(seed, DrawWinograd(seed));

    /// <summary>The same with memory for hardly anything at once: part by part, the bits do not change.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Winograd_part_by_part_has_the_defined_bits(int seed) => Check(seed, DrawWinograd(seed), [1, 2000, 300_000]);

    /// <summary>
    /// Few tiles, for which the filter is transformed piece by piece, and at last many, for which it is transformed at once unless there is no memory
    /// for that: steps that several pieces share evenly and not, one block and two, columns in whole panels and not, tiles of one row and of several samples.
    /// </summary>
    [Theory]
    [InlineData(ConvolveForm.Forward, 1, 40, 16, 4, 4)]
    [InlineData(ConvolveForm.Forward, 5, 37, 23, 4, 3)]
    [InlineData(ConvolveForm.Forward, 3, 601, 72, 5, 9)]
    [InlineData(ConvolveForm.Forward, 2, 2051, 19, 4, 4)]
    [InlineData(ConvolveForm.Forward, 3, 7, 21, 60, 59)]
    [InlineData(ConvolveForm.ImageGradient, 1, 16, 40, 4, 4)]
    [InlineData(ConvolveForm.ImageGradient, 5, 23, 37, 4, 3)]
    [InlineData(ConvolveForm.ImageGradient, 3, 72, 601, 5, 9)]
    [InlineData(ConvolveForm.ImageGradient, 2, 19, 2051, 4, 4)]
    [InlineData(ConvolveForm.ImageGradient, 3, 21, 7, 60, 59)]
    public void Winograd_filters_transformed_on_the_way_have_the_defined_bits(ConvolveForm form, int samples, int channels, int outputs, int height, int width)
    {
        Check(channels, Make);
        Check(channels, Make, [1, 20_000, 300_000]);

        Kernel Make(KernelCase it) => Convolution(it, form, new Window2D(3, 3, PadTop: 1, PadLeft: 1), DType.Float32, 0, (samples, channels, outputs), (height, width), (height, width)) with { Winograd = true };
    }

    private static Func<KernelCase, Kernel> DrawWinograd(int seed) => it =>
    {
        const DType type = DType.Float32;
        int channels = it.Any(1, 16, 33, it.Next(1, 20)), outputs = it.Any(1, 16, 65, it.Next(1, 20)), samples = it.Next(1, 4);
        var window = new Window2D(3, 3, PadTop: it.Next(0, 3), PadLeft: it.Next(0, 3));
        int height = it.Next(3, 11), width = it.Any(it.Next(3, 11), it.Next(3, 20));
        if (seed % 20 == 7)
            (channels, outputs, height, width) = (it.Next(2, 5), 2, 40, 70);
        else if (seed % 20 == 8)
            (channels, outputs, height, width) = (2100, 2, 3, 4);
        long oh = height + 2 * window.PadTop - 2, ow = width + 2 * window.PadLeft - 2;
        var form = (ConvolveForm)(seed % 3);
        int shards = form == ConvolveForm.FilterGradient && seed % 2 == 0 ? it.Next(1, 6) : 0;
        return Convolution(it, form, window, type, shards, (samples, channels, outputs), (height, width), (oh, ow), rounded: seed % 4 == 2) with { Winograd = true };
    };

    /// <summary>Chains of several blocks, cut where no block ends.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Filter_gradients_of_many_tiles_do_not_depend_on_how_many_are_held(int shards)
    {
        const DType type = DType.Float32;
        var it = new KernelCase(shards);
        var kernel = Convolution(it, ConvolveForm.FilterGradient, new Window2D(3, 3, PadTop: 1, PadLeft: 1), type, shards, (40, 5, 70), (31, 29), (31, 29)) with { Winograd = true };
        var results = new[] { long.MaxValue, 6 << 20, 1 << 20, 1 }.Select(most =>
        {
            using var cpu = new CpuBackend(0, new CpuOptions { Threads = 2, SharedScratchMost = most });
            return Convert.ToHexString(it.Run(kernel, cpu));
        }).Distinct();
        Assert.Single(results);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_product_with_too_many_rows_or_columns_for_one_kernel_is_cut(int seed)
    {
        var it = new KernelCase(seed);
        var (left, right, target) = (it.Strided(DType.Float32, 2, 23, 5), it.Strided(DType.Float32, 2, 5, 31), it.Strided(DType.Float32, 2, 23, 31));
        var kernel = new ContractKernel(left, right, target, [], Fused(DType.Float32, it.Repeated(DType.Float32, 2, 23, 31), it.Repeated(DType.Float32, 2, 23, 31)));
        using var reference = new ReferenceBackend();
        using var cpu = new CpuBackend(0, new CpuOptions { Threads = 2, ProductSideMax = 7 });
        Assert.True(it.Run(kernel, reference).AsSpan().SequenceEqual(it.Run(kernel, cpu)));
    }

    /// <summary>A convolution of dense operands, over shards where there are any; every other one with an epilogue.</summary>
    private static ConvolveKernel Convolution(KernelCase it, ConvolveForm form, Window2D window, DType type, int shards, (int Samples, int Channels, int Outputs) counts,
        (long Height, long Width) pixels, (long Height, long Width) results, bool rounded = false, int groups = 1)
    {
        long[] lead = shards == 0 ? [] : [shards];
        var tree = shards == 0 ? [] : it.Tree(shards);
        long[] ranges = shards == 0 ? [] : [tree.Length];
        var image = it.Plain(type, [.. lead, counts.Samples, counts.Channels, pixels.Height, pixels.Width]);
        var filter = it.Plain(type, [.. ranges, counts.Outputs, counts.Channels / groups, window.KernelHeight, window.KernelWidth]);
        var result = it.Plain(type, [.. lead, counts.Samples, counts.Outputs, results.Height, results.Width]);
        var target = form switch { ConvolveForm.Forward => result, ConvolveForm.ImageGradient => image, _ => filter };
        var epilogue = form != ConvolveForm.FilterGradient && it.Any(true, false) ? Fused(type, Bias(it, type, target), it.Plain(type, [.. target.Shape])) : null;
        return new ConvolveKernel(form, window, groups, image, filter, result, tree, epilogue, Rounded: rounded && shards > 0);
    }

    private static Operand Bias(KernelCase it, DType type, Operand target)
    {
        var bias = it.Plain(type, target.Shape[1]);
        // The stride of an axis of length 1 means nothing.
        long[] pixels = [target.Shape[2] == 1 ? 5 : 0, target.Shape[3] == 1 ? 1 : 0];
        if (it.Any(true, false))
            return bias with { Shape = target.Shape, Strides = [0, 1, .. pixels] };
        // One of each shard's own, where the samples are those of several.
        long samples = target.Shape[0], shards = it.Any([.. Enumerable.Range(1, (int)samples).Where(s => samples % s == 0)]);
        var own = it.Plain(type, shards, target.Shape[1]);
        return own with { Shape = Shape.Of([shards, samples / shards, .. target.Shape.Dims[1..]]), Strides = [own.Strides[0], 0, 1, .. pixels] };
    }

    /// <summary>(value + a) where b is positive, else 0.</summary>
    private static Epilogue Fused(DType type, Operand a, Operand b)
    {
        var arguments = Enumerable.Range(0, 3).Select(i => Scalar.Argument(i, type)).ToArray();
        return new Epilogue(ScalarBody.Compile([type, type, type], Fn.Select(arguments[2] > 0, arguments[0] + arguments[1], 0)), [a, b]);
    }

    private static void Check(int seed, Func<KernelCase, Kernel> make, params long[] scratch)
    {
        var it = new KernelCase(seed);
        var kernel = make(it);
        using var reference = new ReferenceBackend();
        var expected = it.Run(kernel, reference);
        var options = VectorWidths.Available.SelectMany(width => new[] { 1, 3 }.Select(threads => new CpuOptions { Threads = threads, Width = width }));
        if (scratch.Length > 0)
            options = scratch.Select((most, i) => new CpuOptions { Threads = i + 1, SharedScratchMost = most });
        foreach (var option in options)
        {
            using var cpu = new CpuBackend(0, option);
            Assert.True(expected.AsSpan().SequenceEqual(it.Run(kernel, cpu)), $"{option}: {kernel}");
        }
    }
}
