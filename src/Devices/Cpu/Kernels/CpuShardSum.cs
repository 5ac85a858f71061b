using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A range's sum along the tree is a scalar program of as many arguments as it has shards: one pass over memory.</summary>
internal static class CpuShardSum
{
    public static CpuKernel Compile(ShardSumKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        var row = kernel.Target.Shape.RemoveAt(0);
        Operand Row(Operand of, int index) => of with
        {
            Shape = row,
            Strides = [.. row.ContiguousStrides()],
            Offset = of.Offset + index * row.Count,
        };
        return new CpuSequence([.. kernel.Tree.Select((range, i) => new CpuMap(
            new MapKernel(
                Program(range.Count, kernel.Source.DType, kernel.Rounded),
                [.. Enumerable.Range(range.First, range.Count).Select(shard => Row(kernel.Source, shard))],
                [Row(kernel.Target, i)]),
            blocks,
            context))]);
    }

    private static ScalarProgram Program(int shards, DType type, bool rounded)
    {
        var steps = new List<ScalarInstruction>();
        int result = Sum(new ShardRange(0, shards));
        return new ScalarProgram([.. Enumerable.Repeat(type, shards)], [.. steps], [result]);

        int Sum(ShardRange range)
        {
            if (range.Count == 1)
                return Rounded(Step(new ScalarInstruction(ScalarOp.Argument, type, Index: range.First)));
            var (left, right) = ShardTree.Halves(range);
            return Rounded(Step(new ScalarInstruction(ScalarOp.Add, type, Sum(left), Sum(right))));
        }

        int Rounded(int value) => !rounded ? value
            : Step(new ScalarInstruction(ScalarOp.Convert, type, Step(new ScalarInstruction(ScalarOp.Convert, DType.BFloat16, value))));

        int Step(ScalarInstruction step)
        {
            steps.Add(step);
            return steps.Count - 1;
        }
    }
}
