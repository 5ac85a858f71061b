using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Convolutions of one, two and three dimensions by the two-dimensional op.</summary>
internal static class Convolutions
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Conv", 1, c => c.Out(WithBias(c, Forward(c, c.X(0), c.X(1))))) { Write = WriteConv, Joins = true },
        new("ConvTranspose", 1, c => c.Out(WithBias(c, Transposed(c)))),
    ];

    private static Tensor WithBias(OnnxCall c, Tensor result) => c.Has(2) ? result + c.X(2).AlongChannels(result.Shape.Rank) : result;

    private static Written? WriteConv(Node node, WriteContext context)
    {
        // With a number added to each channel, where nobody else reads the result without.
        if (PointwiseForm.Catalog(node, "Add", "Add") is not null && node.Inputs[0].Producer is { Op: Convolve } bare && context.Uses(bare.Output) == 1
            && node.Inputs[1].Producer is { Op: Reshape } bias && bias.Inputs[0].Shape.Rank == 1 && bias.Output.Shape == Shape.Of(bare.Output.Shape[1], 1, 1) && WriteConv(bare, context) is { } without)
            return without with { Inputs = [.. without.Inputs, bias.Inputs[0]] };
        if (node.Op is not Convolve { Form: ConvolveForm.Forward, OverShards: false, Body: null } op)
            return null;
        var (window, image) = (op.Window, node.Inputs[0].Shape);
        long Behind(long windows, long stride, long kernel, long dilation, int axis, long before) =>
            WindowAttributes.Behind(windows, stride, (kernel - 1) * dilation + 1, image[axis], before);
        return new Written("Conv", node.Inputs[0], node.Inputs[1]).With(
            Attributes.Ints("kernel_shape", window.KernelHeight, window.KernelWidth), Attributes.Ints("strides", window.StrideHeight, window.StrideWidth),
            Attributes.Ints("pads", window.PadTop, window.PadLeft, Behind(op.Height, window.StrideHeight, window.KernelHeight, window.DilationHeight, 2, window.PadTop),
                Behind(op.Width, window.StrideWidth, window.KernelWidth, window.DilationWidth, 3, window.PadLeft)),
            Attributes.Ints("dilations", window.DilationHeight, window.DilationWidth), Attributes.Int("group", op.Groups));
    }

    /// <summary>As the node's attributes say.</summary>
    internal static Tensor Forward(OnnxCall c, Tensor x, Tensor w)
    {
        if (x.Shape.Rank < 3 || w.Shape.Rank != x.Shape.Rank)
            throw new OnnxException($"a convolution of {x.Shape} with {w.Shape}");
        int groups = checked((int)c.Int("group", 1));
        if (groups < 1 || x.Shape[1] != w.Shape[1] * groups || w.Shape[0] % groups != 0)
            throw new OnnxException($"{x.Shape[1]} channels in {groups} groups do not fit a filter of {w.Shape}");
        return Forward(x, w, WindowAttributes.Of(c, x.Shape.Dims[2..], w.Shape.Dims[2..]), groups);
    }

    internal static Tensor Forward(Tensor x, Tensor w, WindowAttributes window, int groups)
    {
        x = window.CutNegativePadding(x, out window);
        switch (window.Rank)
        {
            case 1:
                var row = Forward(x.Reshape(Between(x.Shape, 2)), w.Reshape(Between(w.Shape, 2)), window.Prepend(), groups);
                return row.Reshape(row.Shape.RemoveAt(2));
            case 2:
                long height = window.Output(0, x.Shape[2]), width = window.Output(1, x.Shape[3]);
                return new Node(new Convolve(ConvolveForm.Forward, window.ToWindow2D(), groups, height, width), [x, w]).Output;
            default:
                return SumOverDepth(x, w, window, groups);
        }
    }

    /// <summary>The outermost dimension tap by tap: each a convolution of one dimension less over the planes that the tap meets.</summary>
    private static Tensor SumOverDepth(Tensor x, Tensor w, WindowAttributes window, int groups)
    {
        var (depth, inner) = window.Outermost();
        long[] none = new long[x.Shape.Rank];
        x = x.Pad(new long[x.Shape.Rank].With(2, depth.Before), new long[x.Shape.Rank].With(2, depth.After), [.. none]);
        long planes = window.Output(0, x.Shape[2] - depth.Before - depth.After);
        Tensor? sum = null;
        for (int tap = 0; tap < Tables.Pieces(depth.Kernel); tap++)
        {
            var slab = x.Slice(new long[x.Shape.Rank].With(2, tap * depth.Dilation), x.Shape.ToArray().With(2, planes), [.. none.Select((_, a) => a == 2 ? depth.Stride : 1L)]);
            int[] order = [0, 2, 1, .. Enumerable.Range(3, x.Shape.Rank - 3)];
            var folded = slab.Transpose(order).Reshape(Shape.Of([x.Shape[0] * planes, x.Shape[1], .. x.Shape.Skip(3)]));
            var filter = w.Slice(new long[w.Shape.Rank].With(2, tap), w.Shape.ToArray().With(2, 1), [.. none.Select(_ => 1L)]);
            var part = Forward(folded, filter.Reshape(w.Shape.RemoveAt(2)), inner, groups);
            sum = sum is null ? part : sum + part;
        }

        var all = Tables.Sum(sum);
        var apart = all.Reshape(Shape.Of([x.Shape[0], planes, .. all.Shape.Skip(1)]));
        return apart.Transpose([0, 2, 1, .. Enumerable.Range(3, x.Shape.Rank - 3)]);
    }

    private static Shape Between(Shape shape, int axis) => Shape.Of([.. shape.Take(axis), 1, .. shape.Skip(axis)]);

    /// <summary>Seq of numbers with one of them changed.</summary>
    private static Seq<long> With(this long[] numbers, int at, long value) => numbers.Select((n, i) => i == at ? value : n).ToSeq();

    private static Tensor Transposed(OnnxCall c)
    {
        var (x, w) = (c.X(0), c.X(1));
        if (x.Shape.Rank < 3 || w.Shape.Rank != x.Shape.Rank || x.Shape[1] != w.Shape[0])
            throw new OnnxException($"a transposed convolution of {x.Shape} with {w.Shape}");
        int groups = checked((int)c.Int("group", 1));
        var (window, output) = WindowAttributes.OfTransposed(c, x.Shape.Dims[2..], w.Shape.Dims[2..]);
        return Transposed(x, w, window, output, groups);
    }

    private static Tensor Transposed(Tensor x, Tensor w, WindowAttributes window, long[] output, int groups)
    {
        switch (window.Rank)
        {
            case 1:
                var row = Transposed(x.Reshape(Between(x.Shape, 2)), w.Reshape(Between(w.Shape, 2)), window.Prepend(), [1, .. output], groups);
                return row.Reshape(row.Shape.RemoveAt(2));
            case 2:
                // The adjoint of a convolution that pads nothing, of which a part is kept (or zeros added).
                var bare = window.Unpadded();
                long height = bare.Input(0, x.Shape[2]), width = bare.Input(1, x.Shape[3]);
                var full = new Node(new Convolve(ConvolveForm.ImageGradient, bare.ToWindow2D(), groups, height, width), [x, w]).Output;
                long[] before = [0, 0, -window.Axes[0].Before, -window.Axes[1].Before];
                long[] after = [0, 0, output[0] - height + window.Axes[0].Before, output[1] - width + window.Axes[1].Before];
                return Padding.WithValue(full, before, after, Fill.Create(x.DType, Shape.Scalar, 0));
            default:
                return SpreadOverDepth(x, w, window, output, groups);
        }
    }

    /// <summary>The outermost dimension tap by tap: each plane's contribution goes to where the tap leads.</summary>
    private static Tensor SpreadOverDepth(Tensor x, Tensor w, WindowAttributes window, long[] output, int groups)
    {
        var (depth, inner) = window.Outermost();
        long planes = x.Shape[2], full = window.Unpadded().Input(0, planes);
        int[] order = [0, 2, 1, .. Enumerable.Range(3, x.Shape.Rank - 3)];
        var folded = x.Transpose(order).Reshape(Shape.Of([x.Shape[0] * planes, x.Shape[1], .. x.Shape.Skip(3)]));
        long[] none = new long[x.Shape.Rank];
        Tensor? sum = null;
        for (int tap = 0; tap < Tables.Pieces(depth.Kernel); tap++)
        {
            var filter = w.Slice(new long[w.Shape.Rank].With(2, tap), w.Shape.ToArray().With(2, 1), [.. none.Select(_ => 1L)]);
            var part = Transposed(folded, filter.Reshape(w.Shape.RemoveAt(2)), inner, output[1..], groups);
            var apart = part.Reshape(Shape.Of([x.Shape[0], planes, .. part.Shape.Skip(1)])).Transpose(order);
            long before = tap * depth.Dilation;
            var spread = apart.Pad(none.With(2, before), none.With(2, full - before - ((planes - 1) * depth.Stride + 1)), none.With(2, depth.Stride - 1));
            sum = sum is null ? spread : sum + spread;
        }

        return Padding.WithValue(Tables.Sum(sum), [.. none.With(2, -depth.Before)], [.. none.With(2, output[0] - full + depth.Before)], Fill.Create(x.DType, Shape.Scalar, 0));
    }
}
