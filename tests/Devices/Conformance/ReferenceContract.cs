using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Conformance;

internal static class ReferenceContract
{
    public static void Run(ContractKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (left, right, target) = (new ReferenceView(kernel.Left, blocks), new ReferenceView(kernel.Right, blocks), new ReferenceView(kernel.Target, blocks));
        var finish = new ReferenceEpilogue(kernel.Epilogue, blocks);
        long depth = left.Shape[^1];
        foreach (var index in ReferenceView.Indices(target.Shape))
        {
            var (batch, m, n) = (index[..^2], index[^2], index[^1]);
            Value Product(long[] at) => Chain(target.Type, depth, k => (left[[.. at, m, k]], right[[.. at, k, n]]));
            var sum = kernel.Tree.IsEmpty
                ? Product(batch)
                : ReferenceBackend.Sum(kernel.Tree[(int)index[0]], kernel.Rounded, shard => Product([shard, .. batch[1..]]));
            target[index] = finish.Apply(sum, index);
        }
    }

    /// <summary>Σ over k: blocks of fused chains from +0; a null adds nothing but counts for the blocks.</summary>
    public static Value Chain(DType type, long depth, Func<long, (Value Left, Value Right)?> factors)
    {
        Value? total = null;
        for (long first = 0; first < depth; first += ContractKernel.BlockLength)
        {
            var block = Value.Zero(type);
            for (long k = first; k < Math.Min(depth, first + ContractKernel.BlockLength); k++)
            {
                if (factors(k) is var (l, r))
                    block = Value.Fma(l, r, block);
            }

            total = total is { } sum ? sum + block : block;
        }

        return total ?? Value.Zero(type);
    }
}

internal sealed class ReferenceEpilogue(Epilogue? epilogue, IReadOnlyList<BlockAddress> blocks)
{
    private readonly ReferenceView[] sources = [.. epilogue?.Sources.Select(s => new ReferenceView(s, blocks)) ?? []];

    public Value Apply(Value sum, long[] index) =>
        epilogue is null ? sum : Interpreter.Run(epilogue.Program, [sum, .. sources.Select(s => s[In(s.Shape, index)])])[0];

    // The outermost axis may be split in two.
    private static long[] In(Shape shape, long[] index) => shape.Rank == index.Length ? index : [index[0] / shape[1], index[0] % shape[1], .. index[1..]];
}
