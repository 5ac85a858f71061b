using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Chooses how a reduction is done: along rows in lanes, down columns in vectors, or not at all.</summary>
internal static class CpuReduce
{
    /// <param name="rowAxes">So many leading dimensions, of which none is reduced, are walked in their order, outermost.</param>
    /// <param name="ahead">Of each source, how far behind what is read is fetched, in bytes; none: nothing is.</param>
    public static CpuKernel Compile(ReduceKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context, int rowAxes = 0, params long[] ahead)
    {
        var type = kernel.Target.DType;
        if (kernel.Sources.IsEmpty)
            throw new NotSupportedException("a reduction needs a source: without one it has no shape");
        var plan = ReducePlan.Of(kernel, inOrder: rowAxes > 0);
        if (plan.Rows.Count == 0 || plan.Trailing.Count == 0 || kernel.Target.Shape.Count == 0)
        {
            double nothing = kernel.Reduction == Reduction.Sum ? 0 : Emit.Neutral.Of(kernel.Reduction, type);
            return new CpuMap(new MapKernel(Programs.Constant(type, nothing), [], [kernel.Target]), blocks, context);
        }

        if (plan.Trailing.Count == 1)
        {
            return plan.Rows.Count == 1
                ? new CpuMap(new MapKernel(kernel.Program, kernel.Sources, [kernel.Target]), blocks, context, rowAxes, mayPass: rowAxes == 0)
                : new CpuColumnReduce(kernel, plan, blocks, context);
        }

        return type switch
        {
            DType.Float32 => new CpuLaneReduce<float>(kernel, plan, blocks, context, ahead),
            DType.Float64 => new CpuLaneReduce<double>(kernel, plan, blocks, context, ahead),
            DType.Int32 => new CpuLaneReduce<int>(kernel, plan, blocks, context, ahead),
            DType.Int64 => new CpuLaneReduce<long>(kernel, plan, blocks, context, ahead),
            _ => throw new NotSupportedException($"the CPU reduces no {type}; convert it to Int32 first"),
        };
    }
}
