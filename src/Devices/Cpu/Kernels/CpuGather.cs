using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Copies rows, whatever is in them.</summary>
internal sealed unsafe class CpuGather : CpuKernel
{
    private readonly nint table;
    private readonly nint indices;
    private readonly nint target;
    private readonly long rows;
    private readonly long count;
    private readonly long rowBytes;
    private readonly Work work;

    public CpuGather(GatherKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        if (kernel.Indices.DType != DType.Int32 || kernel.Inputs.Concat(kernel.Outputs).Any(o => !o.IsContiguous))
            throw new NotSupportedException($"rows are gathered from a contiguous table by contiguous Int32, not from {kernel.Table.Shape} by {kernel.Indices.DType}{kernel.Indices.Shape}");
        (table, indices, target) = ((nint)Address(kernel.Table, blocks), (nint)Address(kernel.Indices, blocks), (nint)Address(kernel.Target, blocks));
        (rows, count, work) = (kernel.Table.Shape[0], kernel.Indices.Shape.Count, context.Work);
        rowBytes = kernel.Target.Shape[1] * kernel.Target.DType.Size();
    }

    public override int Parts(int threads) => work.Parts((count * rowBytes + 3) / 4, 2, threads, most: count);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(count, 1, part, parts);
        for (long i = first; i < end; i++)
        {
            long index = ((int*)indices)[i];
            byte* into = (byte*)target + i * rowBytes;
            if (index >= 0 && index < rows)
                Buffer.MemoryCopy((byte*)table + index * rowBytes, into, rowBytes, rowBytes);
            else
                NativeMemory.Clear(into, (nuint)rowBytes);
        }
    }
}
