using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// A reduction's dimensions by what they are: <c>Kept</c> (strides of the sources, then of the target), <c>Rows</c> and the
/// <c>Trailing</c> ones (strides of the sources), as <see cref="ReduceKernel"/> defines them.
/// </summary>
internal sealed record ReducePlan(LoopNest Kept, LoopNest Rows, LoopNest Trailing)
{
    /// <param name="inOrder">Kept points are walked row-major; else in whatever order is best.</param>
    public static ReducePlan Of(ReduceKernel kernel, bool inOrder = false)
    {
        var shaped = kernel.Sources[0];
        int inner = shaped.Shape.Rank;
        while (inner > 0 && (kernel.Axes.Contains(inner - 1) || shaped.Shape[inner - 1] == 1))
            inner--;
        List<Dimension> kept = [], rows = [], trailing = [];
        Operand[] withTarget = [.. kernel.Sources, kernel.Target];
        for (int axis = 0; axis < shaped.Shape.Rank; axis++)
        {
            if (!kernel.Axes.Contains(axis))
                kept.Add(Dimension.Of(axis, shaped, withTarget));
            else
                (axis < inner ? rows : trailing).Add(Dimension.Of(axis, shaped, kernel.Sources));
        }

        // Kept points do not depend on one another: they are visited in the target's order.
        return new ReducePlan(
            LoopNest.Collapse(inOrder ? kept : kept.OrderByDescending(d => d.Strides[^1])), LoopNest.Collapse(rows), LoopNest.Collapse(trailing));
    }
}
