using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Draws groups of maps, small ones beside large ones: they read the same, write in place or side by side into one block, and nothing of each other's.</summary>
public sealed class DrawGroup(Draw draw)
{
    // Read, and not written by anybody.
    private readonly List<Operand> common = [];

    public GroupKernel Next()
    {
        int count = 2 + draw.Below(draw.Chance(0.2) ? 40 : 6);
        var together = draw.Contiguous(DType.Float32, Shape.Of(2000));
        long taken = 0;
        return new GroupKernel([.. Enumerable.Range(0, count).Select(i => new LinkedKernel($"link {i}", Map()))]);

        MapKernel Map()
        {
            var program = new DrawProgram(draw).Next();
            var shape = draw.Shape(draw.Below(4), draw.Chance(0.5) ? 40 : 4000);
            ImmutableArray<Operand> sources = [.. program.Arguments.Select(type => Source(type, shape))];
            var free = sources.Where(s => !s.Strides.Contains(0) && !common.Contains(s)).ToList();
            return new MapKernel(program, sources, [.. program.Results.Select(result => Target(program.Instructions[result].Type, shape, free))]);
        }

        Operand Target(DType type, Shape shape, List<Operand> free)
        {
            if (free.FirstOrDefault(s => s.DType == type) is { } source && draw.Chance(0.4))
            {
                free.Remove(source);
                return source;
            }

            if (type != DType.Float32 || taken + shape.Count > together.Shape.Count || draw.Chance(0.4))
                return draw.Target(type, shape);
            taken += shape.Count;
            return Operand.Contiguous(together.Block, new TensorType(type, shape), together.Offset + taken - shape.Count);
        }
    }

    private Operand Source(DType type, Shape shape)
    {
        if (common.FirstOrDefault(s => s.DType == type && s.Shape == shape) is { } known && draw.Chance(0.5))
            return known;
        var source = draw.Source(type, shape);
        if (draw.Chance(0.4))
            common.Add(source);
        return source;
    }
}
