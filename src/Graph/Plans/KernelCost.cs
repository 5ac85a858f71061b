using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Plans;

/// <summary>
/// What a kernel has to do at the least: floating-point operations (a multiply-add counts two), and bytes that it must read and write once.
/// How a backend does it, and what caches save, is not in it; a kernel that only moves bytes has no operations.
/// </summary>
public readonly record struct KernelCost(long Flops, long BytesRead, long BytesWritten)
{
    public long Bytes => BytesRead + BytesWritten;

    public static KernelCost operator +(KernelCost a, KernelCost b) =>
        new(a.Flops + b.Flops, a.BytesRead + b.BytesRead, a.BytesWritten + b.BytesWritten);

    public static KernelCost Of(Kernel kernel) => kernel switch
    {
        // Rows that are looked up, not the whole table.
        GatherKernel gather => new(0, Size(gather.Target) + Size(gather.Indices), Size(gather.Target)),
        // What passes from link to link need not be memory.
        ChainKernel chain => new(Operations(chain), chain.Inputs.Sum(Size), chain.Outputs.Where(o => !chain.Passing.Contains(o.Block)).Sum(Size)),
        _ => new(Operations(kernel), kernel.Inputs.Distinct().Sum(Size), kernel.Outputs.Distinct().Sum(Size)),
    };

    private static long Operations(Kernel kernel) => kernel switch
    {
        JoinedKernel joined => joined.Links.Sum(l => Operations(l.Kernel)),
        MapKernel map => map.Targets[0].Shape.Count * Each(map.Program),
        ReduceKernel reduce => Domain(reduce).Count * (Each(reduce.Program) + 1),
        ContractKernel contract => 2 * contract.Left.Shape.Count * contract.Right.Shape[^1] + After(contract.Epilogue, contract.Target),
        ConvolveKernel convolve => 2 * convolve.Result.Shape.Count * Taps(convolve) + After(convolve.Epilogue, convolve.Target),
        MaxPoolKernel pool => (pool.Gradient ?? pool.Target).Shape.Count * Area(pool.Window),
        SumPoolKernel pool => (pool.Adjoint ? pool.Source : pool.Target).Shape.Count * Area(pool.Window),
        ScatterAddKernel scatter => scatter.Updates.Shape.Count,
        ShardSumKernel sum => sum.Source.Shape.Count - sum.Target.Shape.Count,
        _ => 0,
    };

    /// <summary>Of one element of the result: the products of one filter.</summary>
    private static long Taps(ConvolveKernel convolve) => convolve.Filter.Shape[^3] * convolve.Filter.Shape[^2] * convolve.Filter.Shape[^1];

    private static long Area(Window2D window) => (long)window.KernelHeight * window.KernelWidth;

    private static Shape Domain(ReduceKernel reduce) => reduce.Sources.IsEmpty ? reduce.Target.Shape : reduce.Sources[0].Shape;

    private static long After(Epilogue? epilogue, Operand target) => epilogue is null ? 0 : target.Shape.Count * Each(epilogue.Program);

    private static long Each(ScalarProgram program) => program.Instructions.Sum(i => i.Op switch
    {
        _ when !i.Type.IsFloat() => 0L,
        ScalarOp.Argument or ScalarOp.Constant or ScalarOp.Convert or ScalarOp.ReinterpretFloat or ScalarOp.Select => 0,
        ScalarOp.FusedMultiplyAdd => 2,
        _ => 1,
    });

    /// <summary>Elements that repeat lie in memory once.</summary>
    private static long Size(Operand operand)
    {
        long count = 1;
        for (int axis = 0; axis < operand.Shape.Rank; axis++)
            count *= operand.Strides[axis] == 0 ? Math.Min(1, operand.Shape[axis]) : operand.Shape[axis];
        return count * operand.DType.Size();
    }
}
