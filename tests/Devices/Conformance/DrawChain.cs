using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Draws chains of maps and reductions over the same rows, whose links read what others wrote, write over it, or pass it on.</summary>
public sealed class DrawChain
{
    private readonly Draw draw;
    private readonly Shape leading;
    private readonly long length;
    private readonly List<Operand> written = [];
    private readonly HashSet<int> passing = [];

    public DrawChain(Draw draw)
    {
        this.draw = draw;
        bool isLong = draw.Chance(0.08);
        leading = draw.Chance(0.5) ? Shape.Of(2 + draw.Below(isLong ? 3 : 60)) : Shape.Of(1 + draw.Below(3), 2 + draw.Below(isLong ? 2 : 20));
        length = isLong ? draw.One(1000, 1024, 4097) : 1 + draw.Below(70);
    }

    public ChainKernel Next()
    {
        var links = Enumerable.Range(0, 2 + draw.Below(5)).Select(i => new LinkedKernel($"link {i}", Link())).ToImmutableArray();
        return new ChainKernel(links, leading.Count, [.. passing.Where(_ => draw.Chance(0.6))]);
    }

    private Kernel Link()
    {
        bool reduces = draw.Chance(0.4);
        var shape = (draw.Chance(0.3) ? Shape.Of(leading.Count) : leading).Append(!reduces && draw.Chance(0.2) ? 1 : length);
        var type = draw.One(DType.Float32, DType.Float32, DType.Float64, DType.Int32);
        var program = new DrawProgram(draw).Next(reduces ? type : null);
        ImmutableArray<Operand> sources = [.. program.Arguments.Select(t => Known(t, shape) ?? draw.Source(t, shape))];
        if (reduces)
        {
            var reduction = draw.One(Reduction.Sum, Reduction.Sum, Reduction.Maximum, Reduction.Minimum);
            return new ReduceKernel(reduction, program, sources, [shape.Rank - 1], Target(type, shape.With(shape.Rank - 1, 1)));
        }

        // In place: the very operand, and nothing else of that block.
        var free = sources.Where(s => s.IsContiguous && sources.All(o => o.Block != s.Block || o == s)).ToList();
        List<Operand> targets = [];
        foreach (int result in program.Results)
        {
            var resultType = program.Instructions[result].Type;
            if (free.FirstOrDefault(s => s.DType == resultType) is not { } source || draw.Chance(0.5))
            {
                targets.Add(Target(resultType, shape));
                continue;
            }

            free.RemoveAll(s => s.Block == source.Block);
            targets.Add(source);
            written.Add(source);
        }

        return new MapKernel(program, sources, [.. targets]);
    }

    private Operand Target(DType type, Shape shape)
    {
        var target = draw.Target(type, shape);
        written.Add(target);
        if (target.IsContiguous)
            passing.Add(target.Block);
        return target;
    }

    /// <summary>What a link before wrote, as it is or one value for the whole row.</summary>
    private Operand? Known(DType type, Shape shape)
    {
        Operand[] fitting = [.. written.Where(w => w.DType == type && (w.Shape[^1] == 1 || w.Shape[^1] == shape[^1]) && (w.IsContiguous || w.Shape.Rank == shape.Rank))];
        if (fitting.Length == 0 || draw.Chance(0.2))
            return null;
        var found = draw.One(fitting);
        var strides = found.Shape.Rank == shape.Rank ? found.Strides : [.. shape.With(shape.Rank - 1, found.Shape[^1]).ContiguousStrides()];
        return found with { Shape = shape, Strides = found.Shape[^1] == shape[^1] ? strides : strides.SetItem(shape.Rank - 1, 0) };
    }
}
