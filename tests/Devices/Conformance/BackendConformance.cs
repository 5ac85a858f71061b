using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>The suite that every backend passes: kernels drawn by seed give the reference's bits. A backend brings its variants.</summary>
public abstract class BackendConformance(IReadOnlyList<IBackend> variants)
{
    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    [Theory]
    [MemberData(nameof(Seeds), 300)]
    public void Map(int seed)
    {
        var draw = new Draw(seed);
        var program = new DrawProgram(draw).Next();
        // A result may be wanted in several places.
        if (draw.Chance(0.2))
            program = program with { Results = [.. program.Results, .. program.Results, program.Results[0]] };
        var shape = draw.Shape(draw.Below(5));
        ImmutableArray<Operand> sources = [.. program.Arguments.Select(type => draw.Source(type, shape))];
        var free = sources.Where(s => !s.Strides.Contains(0)).ToList();
        var targets = program.Results.Select(result =>
        {
            var type = program.Instructions[result].Type;
            if (free.FirstOrDefault(s => s.DType == type) is not { } source || draw.Chance(0.7))
                return draw.Target(type, shape);
            free.Remove(source);
            return source;
        });
        Check(draw, new MapKernel(program, sources, [.. targets]));
    }

    [Theory]
    [MemberData(nameof(Seeds), 400)]
    public void Reduce(int seed)
    {
        var draw = new Draw(seed);
        var type = draw.One(DType.Float32, DType.Float32, DType.Float64, DType.Int32, DType.Int64);
        var program = new DrawProgram(draw).Next(type);
        var shape = draw.Shape(1 + draw.Below(4));
        if (draw.Chance(0.2))
            shape = Shape.Of([draw.One(255, 256, 257, 520), .. draw.Shape(draw.Below(3), 20).Dims]);
        ImmutableArray<int> axes = [.. Enumerable.Range(0, shape.Rank).Where(_ => draw.Chance(0.5))];
        var reduced = Shape.Of([.. Enumerable.Range(0, shape.Rank).Select(d => axes.Contains(d) ? 1 : shape[d])]);
        Check(draw, new ReduceKernel(
            draw.One(Reduction.Sum, Reduction.Sum, Reduction.Maximum, Reduction.Minimum),
            program,
            [.. program.Arguments.Select(t => draw.Source(t, shape))],
            axes,
            draw.Target(type, reduced)));
    }

    [Theory]
    [MemberData(nameof(Seeds), 400)]
    public void Chain(int seed)
    {
        var draw = new Draw(seed);
        Check(draw, new DrawChain(draw).Next());
    }

    [Theory]
    [MemberData(nameof(Seeds), 300)]
    public void Group(int seed)
    {
        var draw = new Draw(seed);
        Check(draw, new DrawGroup(draw).Next());
    }

    [Theory]
    [MemberData(nameof(Seeds), 400)]
    public void Pool(int seed)
    {
        var draw = new Draw(seed);
        var type = draw.One(DType.Float32, DType.Float32, DType.Float64);
        var window = draw.Chance(0.4)
            ? new Window2D(2, 2, 2, 2)
            : new Window2D(1 + draw.Below(3), 1 + draw.Below(3), 1 + draw.Below(3), 1 + draw.Below(3), draw.Below(2), draw.Below(2), 1 + draw.Below(2), 1 + draw.Below(2));
        var result = Shape.Of(1 + draw.Below(3), 1 + draw.Below(3), 1 + draw.Below(6), 1 + draw.Below(18));
        long Extent(long size, int taps, int stride, int pad, int dilation) =>
            Math.Max(1, (size - 1) * stride + (taps - 1) * dilation + 1 - pad - draw.Below(pad + 1) + draw.Below(2));
        var image = Shape.Of(
            result[0],
            result[1],
            Extent(result[2], window.KernelHeight, window.StrideHeight, window.PadTop, window.DilationHeight),
            Extent(result[3], window.KernelWidth, window.StrideWidth, window.PadLeft, window.DilationWidth));
        Operand Image() => draw.Contiguous(type, image);
        Operand Result() => draw.Contiguous(type, result);
        Check(draw, draw.Below(5) switch
        {
            0 => new MaxPoolKernel(window, Image(), null, Result()),
            1 => new MaxPoolKernel(window, Image(), Result(), Image()),
            2 => new MaxPoolKernel(window, Image(), null, Result(), Image()),
            3 => new SumPoolKernel(window, false, Image(), Result()),
            _ => new SumPoolKernel(window, true, Result(), Image()),
        });
    }

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void Gather(int seed)
    {
        var draw = new Draw(seed);
        var type = draw.One(DType.Float32, DType.Float64, DType.Int32, DType.UInt8);
        long rows = draw.Below(20), width = draw.One(0, 1, 3, 16, 33), count = draw.Below(draw.One(4, 60));
        Check(draw, new GatherKernel(draw.Contiguous(type, Shape.Of(rows, width)), draw.Indices(Shape.Of(count), rows), draw.Contiguous(type, Shape.Of(count, width))));
    }

    [Theory]
    [MemberData(nameof(Seeds), 150)]
    public void ScatterAdd(int seed)
    {
        var draw = new Draw(seed);
        var type = draw.One(DType.Float32, DType.Float32, DType.Float64, DType.Int32);
        int shards = 1 + draw.Below(7), first = draw.Below(shards);
        long rows = draw.Below(20), width = draw.One(0, 1, 3, 16, 33), count = draw.Below(30);
        var tree = draw.Chance(0.5) ? ShardTree.Cover(shards, new ShardRange(first, shards - first)) : [new ShardRange(first, shards - first)];
        Check(draw, new ScatterAddKernel(draw.Indices(Shape.Of(shards, count), rows), draw.Contiguous(type, Shape.Of(shards, count, width)),
            draw.Contiguous(type, Shape.Of(tree.Length, rows, width)), tree, Rounded: type == DType.Float32 && draw.Chance(0.4)));
    }

    [Theory]
    [MemberData(nameof(Seeds), 40)]
    public void Random(int seed)
    {
        var draw = new Draw(seed);
        Check(draw, new RandomKernel(
            0x9E3779B97F4A7C15 * (ulong)(seed + 1),
            (uint)seed,
            draw.Chance(0.5) ? draw.Contiguous(DType.Int32, Shape.Scalar) : null,
            draw.Contiguous(DType.Int32, draw.Shape(draw.Below(4)))));
    }

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void ShardSum(int seed)
    {
        var draw = new Draw(seed);
        var type = draw.One(DType.Float32, DType.Float64);
        int shards = 1 + draw.Below(13);
        int first = draw.Below(shards), count = 1 + draw.Below(shards - first);
        var tree = ShardTree.Cover(shards, new ShardRange(first, count));
        var row = draw.Shape(1 + draw.Below(2), 500);
        Check(draw, new ShardSumKernel(
            draw.Contiguous(type, row.Prepend(shards)), tree, draw.Contiguous(type, row.Prepend(tree.Length)), Rounded: type == DType.Float32 && draw.Chance(0.4)));
    }

    /// <summary>Compares every variant of the backend with the reference.</summary>
    protected void Check(Draw draw, Kernel kernel)
    {
        using var reference = new ReferenceBackend();
        var expected = Comparison.Run(reference, kernel, draw.Blocks);
        foreach (var variant in variants)
            Comparison.Check(variant, kernel, draw.Blocks, expected);
    }
}
