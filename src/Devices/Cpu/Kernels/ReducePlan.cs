using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// A reduction's dimensions by what they are: <c>Kept</c> (strides of the sources, then of the target), <c>Rows</c> and the
/// <c>Trailing</c> ones (strides of the sources), as <see cref="ReduceKernel"/> defines them.
/// </summary>
internal sealed record ReducePlan(LoopNest Kept, LoopNest Rows, LoopNest Trailing)
{
    public static ReducePlan Of(ReduceKernel kernel)
    {
        var shape = kernel.Sources[0].Shape;
        var reduced = kernel.Axes.ToHashSet();
        int inner = shape.Rank;
        while (inner > 0 && (reduced.Contains(inner - 1) || shape[inner - 1] == 1))
            inner--;
        (long, ImmutableArray<long>) Sources(int d) => (shape[d], [.. kernel.Sources.Select(s => s.Strides[d])]);
        (long Size, ImmutableArray<long> Strides) WithTarget(int d) =>
            (shape[d], [.. kernel.Sources.Select(s => s.Strides[d]), kernel.Target.Strides[d]]);
        var axes = Enumerable.Range(0, shape.Rank).ToArray();
        return new ReducePlan(
            // Kept points do not depend on one another: they are visited in the target's order.
            LoopNest.Collapse(axes.Where(d => !reduced.Contains(d)).Select(WithTarget).OrderByDescending(d => d.Strides[^1])),
            LoopNest.Collapse(axes.Where(d => reduced.Contains(d) && d < inner).Select(Sources)),
            LoopNest.Collapse(axes.Where(d => reduced.Contains(d) && d >= inner).Select(Sources)));
    }
}
