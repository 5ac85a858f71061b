using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A scalar program at every point: rows of the innermost dimension, an odometer over the others.</summary>
internal sealed unsafe class CpuMap : CpuKernel
{
    // Parts begin at multiples of a cache line whatever the element.
    private const int Grain = 64;

    private const long PastBytesMin = 32 << 20;

    private readonly nint[] start;
    private readonly long[] rowSteps;
    private readonly Odometer rows;
    private readonly long rowLength;
    private readonly RowDelegate row;
    private readonly int instructions;
    private readonly bool past;
    private readonly Work work;

    public CpuMap(MapKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        Operand[] operands = [.. kernel.Sources, .. kernel.Targets];
        var first = kernel.Targets[0];
        var dimensions = new Dimension[first.Shape.Rank];
        for (int axis = 0; axis < dimensions.Length; axis++)
            dimensions[axis] = Dimension.Of(axis, first, operands);

        // Points may be visited in any order: in that of the target they are written in one sweep.
        var nest = LoopNest.Collapse(dimensions.OrderByDescending(d => d.Strides[kernel.Sources.Length]));
        long[] strides = new long[operands.Length];
        start = Addresses(operands, blocks);
        rowSteps = new long[operands.Length];
        for (int i = 0; i < operands.Length; i++)
        {
            strides[i] = nest.Rank == 0 ? 1 : nest.Innermost.Strides[i];
            rowSteps[i] = strides[i] * operands[i].DType.Size();
        }

        rowLength = nest.Rank == 0 ? first.Shape.Count : nest.Innermost.Size;
        rows = new Odometer(nest.Outer, operands);
        past = rows.Count == 1 && IsPast(kernel, strides.AsSpan(kernel.Sources.Length));
        row = context.Rows.Row(kernel.Program, past, strides);
        (instructions, work) = (kernel.Program.Instructions.Length, context.Work);
    }

    /// <summary>Too much for any cache, and nothing of it is read here: writing past the caches spares reading what is overwritten.</summary>
    private bool IsPast(MapKernel kernel, ReadOnlySpan<long> strides)
    {
        for (int i = 0; i < strides.Length; i++)
        {
            var target = kernel.Targets[i];
            if (strides[i] != 1 || target.DType is not (DType.Float32 or DType.Float64) || start[kernel.Sources.Length + i] % Grain != 0 || start.AsSpan(0, kernel.Sources.Length).Contains(start[kernel.Sources.Length + i]))
                return false;
        }

        return kernel.Targets.Sum(t => rowLength * t.DType.Size()) >= PastBytesMin;
    }

    public override int Parts(int threads)
    {
        long elements = rowLength * rows.Count;
        return work.Parts(elements, instructions, threads, most: (elements + Grain - 1) / Grain);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(rowLength * rows.Count, Grain, part, parts);
        byte** pointers = stackalloc byte*[start.Length];
        byte** shifted = stackalloc byte*[start.Length];
        long* index = stackalloc long[Odometer.MaxRank];
        fixed (nint* origin = start)
            rows.Seek(first / rowLength, (byte**)origin, pointers, index);
        long column = first % rowLength;
        for (long left = end - first; left > 0;)
        {
            long count = Math.Min(left, rowLength - column);
            if (column == 0)
            {
                row((void**)pointers, count);
            }
            else
            {
                for (int i = 0; i < start.Length; i++)
                    shifted[i] = pointers[i] + column * rowSteps[i];
                row((void**)shifted, count);
                column = 0;
            }

            left -= count;
            if (left > 0)
                rows.Next(pointers, index);
        }

        // Such stores are in no order with others until then.
        if (past)
            Interlocked.MemoryBarrier();
    }
}
