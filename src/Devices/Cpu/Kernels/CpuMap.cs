using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A scalar program at every point: rows of the innermost dimension, an odometer over the others.</summary>
internal sealed unsafe class CpuMap : CpuPoints
{
    // Parts begin at multiples of a cache line whatever the element.
    private const int LineElements = 64;
    private const long PastBytesMin = 32 << 20;

    private readonly nint[] start;
    private readonly long[] rowSteps;
    private readonly Odometer rows;
    private readonly long rowLength;
    private readonly RowDelegate row;
    private readonly int instructions;
    private readonly bool past;

    public CpuMap(MapKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
        : this(kernel, blocks, context, 0, true)
    {
    }

    /// <param name="rowAxes">So many leading dimensions are walked in their order, outermost.</param>
    /// <param name="mayPass">Whether results may go past the caches.</param>
    /// <param name="ahead">Of each source, how far behind what is read is fetched, in bytes; none: nothing is.</param>
    public CpuMap(MapKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context, int rowAxes, bool mayPass, params long[] ahead)
        : base(context.Work)
    {
        Operand[] operands = [.. kernel.Sources, .. kernel.Targets];
        var first = kernel.Targets[0];
        var dimensions = new Dimension[first.Shape.Rank];
        for (int axis = 0; axis < dimensions.Length; axis++)
            dimensions[axis] = Dimension.Of(axis, first, operands);

        // Points of a row may be visited in any order: in that of the target they are written in one sweep.
        var nest = LoopNest.Collapse([.. dimensions[..rowAxes], .. dimensions[rowAxes..].OrderByDescending(d => d.Strides[kernel.Sources.Length])]);
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
        past = mayPass && IsPastWorth(kernel, nest, strides.AsSpan(kernel.Sources.Length));
        row = context.Rows.Row(kernel.Program, past, strides, ahead);
        instructions = kernel.Program.Instructions.Length;
    }

    /// <summary>Too much for any cache, and nothing of it is read here: writing past the caches spares reading what is overwritten.</summary>
    private bool IsPastWorth(MapKernel kernel, LoopNest nest, ReadOnlySpan<long> strides)
    {
        for (int i = 0; i < strides.Length; i++)
        {
            var (target, at) = (kernel.Targets[i], kernel.Sources.Length + i);
            int size = target.DType.Size();
            bool aligned = start[at] % Cache.LineBytes == 0 && (rows.Count == 1 || (rowLength * size % Cache.LineBytes == 0 && nest.Outer.Dimensions.All(d => d.Strides[at] * size % Cache.LineBytes == 0)));
            if (strides[i] != 1 || target.DType is not (DType.Float32 or DType.Float64) || !aligned || start.AsSpan(0, kernel.Sources.Length).Contains(start[at]))
                return false;
        }

        return kernel.Targets.Sum(t => Count * t.DType.Size()) >= PastBytesMin;
    }

    public override nint[] Start => start;

    public override long Count => rowLength * rows.Count;

    public override long Effort => Work.Of(Count, instructions);

    /// <summary>Whether results go past the caches: points must then be done from multiples of a cache line on.</summary>
    public bool IsPast => past;

    public override long Grain => LineElements;

    public override void Points(byte** start, long first, long end, byte* scratch)
    {
        byte** pointers = stackalloc byte*[rowSteps.Length];
        byte** shifted = stackalloc byte*[rowSteps.Length];
        long* index = stackalloc long[Odometer.MaxRank];
        rows.Seek(first / rowLength, start, pointers, index);
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
                for (int i = 0; i < rowSteps.Length; i++)
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
