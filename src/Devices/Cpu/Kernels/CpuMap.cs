using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Devices.Cpu.Emit;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A scalar program at every point: rows of the innermost dimension, an odometer over the others.</summary>
internal sealed unsafe class CpuMap : CpuKernel
{
    // Parts begin at multiples of a cache line whatever the element.
    private const int Grain = 64;

    private readonly nint[] start;
    private readonly long[] rowSteps;
    private readonly Odometer rows;
    private readonly long rowLength;
    private readonly RowDelegate row;
    private readonly int instructions;
    private readonly Work work;

    public CpuMap(MapKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        ImmutableArray<Operand> operands = [.. kernel.Sources, .. kernel.Targets];
        var shape = kernel.Targets[0].Shape;
        var dims = Enumerable.Range(0, shape.Rank)
            .Select(d => (Size: shape[d], Strides: operands.Select(o => o.Strides[d]).ToImmutableArray()))
            // Points may be visited in any order: in that of the target they are written in one sweep.
            .OrderByDescending(d => d.Strides[kernel.Sources.Length]);
        var nest = LoopNest.Collapse(dims);
        ImmutableArray<long> strides = nest.Rank == 0 ? [.. operands.Select(_ => 1L)] : nest.Strides[^1];
        rowLength = nest.Rank == 0 ? shape.Count : nest.Sizes[^1];
        rows = new Odometer(nest.Outer, [.. operands.Select(o => o.DType)]);
        start = [.. operands.Select(o => (nint)Address(o, blocks))];
        rowSteps = [.. operands.Select((o, i) => strides[i] * o.DType.Size())];
        row = context.Rows.Row(kernel.Program, strides);
        (instructions, work) = (kernel.Program.Instructions.Length, context.Work);
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
    }
}
