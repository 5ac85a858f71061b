using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Chooses how a chain is done: some rows after others, or, where rows are too few or too long for that, link after link.</summary>
internal static class ChainCompiler
{
    // Of what links touch of the rows that they do at once: it is there still when the next link comes.
    private const long ChunkBytes = 128 << 10;

    // Of one value a row there are whole vectors then.
    private const long RowsStep = 16;

    // A row that no core's own cache holds gains nothing.
    private const long RowBytesMost = 1 << 20;

    public static CompiledKernel Compile(ChainKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        Kernel[] links = [.. kernel.Links.Select(l => l.Kernel)];
        var operands = links.SelectMany(l => l.Inputs.Concat(l.Outputs)).Distinct().ToArray();
        long rowBytes = operands.GroupBy(o => o.Block).Sum(b => b.Max(o => kernel.Passing.Contains(b.Key) ? RowWindow.Of(o, kernel.Rows).Step ?? 0 : RowBytes(o, kernel.Rows)));
        long effort = links.Sum(l => Work.Of(Points(l), Instructions(l)));
        int parts = context.Work.Parts(effort, context.Threads, most: long.MaxValue);
        if (rowBytes > RowBytesMost || kernel.Rows < Math.Min(parts, 2 * context.Threads))
            return new CpuPhases(new SharedScratch(0), [.. links.Select(l => (CpuKernel)CpuBackend.Compile(l, blocks, context))]);
        long chunk = Math.Clamp(ChunkBytes / Math.Max(1, rowBytes), 1, (kernel.Rows + parts - 1) / parts);
        return new CpuChain(kernel, chunk < RowsStep ? chunk : chunk / RowsStep * RowsStep, blocks, context);
    }

    /// <summary>What a row takes of memory that no other row reads.</summary>
    private static long RowBytes(Operand operand, long rows)
    {
        long bytes = operand.DType.Size();
        if (RowWindow.Of(operand, rows).Step == 0)
            return 0;
        for (int axis = RowWindow.Axes(operand.Shape, rows); axis < operand.Shape.Rank; axis++)
            bytes *= operand.Strides[axis] == 0 ? 1 : operand.Shape[axis];
        return bytes;
    }

    private static long Points(Kernel link) => link is ReduceKernel reduce ? reduce.Sources[0].Shape.Count : link.Outputs[0].Shape.Count;

    private static int Instructions(Kernel link) => link is ReduceKernel reduce ? reduce.Program.Instructions.Length : ((MapKernel)link).Program.Instructions.Length;
}
