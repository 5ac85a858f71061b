using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Actors;

/// <summary>Plans shaped like a training step, for a device that computes nothing.</summary>
internal static class Plans
{
    private const int Blocks = 64;

    /// <summary>Each operation reads what the two before it wrote and a parameter, and writes a block of its own.</summary>
    public static Plan Chain(int operations)
    {
        var blocks = Enumerable.Range(0, Blocks).Select(i => new Block(i, $"b{i}", BlockKind.Variable, 64, i * 64)).ToImmutableArray();
        var section = new Section("step", [.. Enumerable.Range(0, operations).Select(Operation)], []);
        return new Plan(blocks, Blocks * 64, Blocks * 64, ImmutableDictionary<int, ImmutableArray<byte>>.Empty, [section]);
    }

    private static Operation Operation(int i)
    {
        const int Half = Blocks / 2;
        int target = i % Half, before = (i + Half - 1) % Half, earlier = (i + Half - 2) % Half;
        var kernel = new RandomKernel(0, 0, null, Operand.Contiguous(target, new TensorType(DType.Float32, Shape.Of(16))));
        return new Operation($"o{i}", kernel, [before, earlier, Half + i % Half], [target]);
    }
}
