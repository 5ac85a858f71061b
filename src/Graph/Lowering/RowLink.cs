using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Lowering;

/// <summary>What makes a kernel a link of a <see cref="ChainKernel"/>.</summary>
internal static class RowLink
{
    /// <summary>The rows that a reduction of trailing dimensions leaves one value of each; 0 for any other kernel.</summary>
    public static long RowsOf(Kernel kernel)
    {
        if (kernel is not ReduceKernel { Sources: [var source, ..] } reduce || source.Shape.Count == 0)
            return 0;
        int inner = source.Shape.Rank;
        while (inner > 0 && (reduce.Axes.Contains(inner - 1) || source.Shape[inner - 1] == 1))
            inner--;
        return reduce.Axes.Any(a => a < inner && source.Shape[a] != 1) ? 0 : source.Shape.Slice(0, inner).Count;
    }

    /// <summary>Whether the kernel can do so many rows one by one and writes them in their order. A copy is left to those who know better how to.</summary>
    public static bool Fits(Kernel kernel, long rows) => kernel switch
    {
        MapKernel { Program.Instructions: [{ Op: ScalarOp.Argument }] } => false,
        MapKernel map => map.Sources.Length > 0 && map.Targets[0].Shape is { Count: > 0 } shape && RowWindow.Axes(shape, rows) >= 0 && map.Targets.All(IsOrdered),
        ReduceKernel reduce => RowsOf(reduce) == rows && IsOrdered(reduce.Target),
        _ => false,
    };

    /// <summary>Whether each row of one stays clear of every other row of the other, and what one reads from the rows that the other writes.</summary>
    /// <param name="origin">Where a block begins.</param>
    public static bool KeepsRows(Kernel one, Kernel other, long rows, Func<int, long> origin)
    {
        return one.Outputs.All(a => other.Inputs.Concat(other.Outputs).All(b => Apart(a, b))) && other.Outputs.All(a => one.Inputs.All(b => Apart(a, b)));

        bool Apart(Operand a, Operand b) => a == b || RowWindow.Of(a, rows, origin(a.Block)).KeepsApart(RowWindow.Of(b, rows, origin(b.Block)));
    }

    private static bool IsOrdered(Operand operand)
    {
        long last = long.MaxValue;
        for (int axis = 0; axis < operand.Shape.Rank; axis++)
        {
            if (operand.Shape[axis] == 1)
                continue;
            if (operand.Strides[axis] <= 0 || operand.Strides[axis] >= last)
                return false;
            last = operand.Strides[axis];
        }

        return true;
    }
}
