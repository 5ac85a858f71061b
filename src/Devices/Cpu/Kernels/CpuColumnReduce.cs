using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Reduces outer dimensions where the innermost is kept: rows are added to a row of accumulators, several at a time so that
/// these are loaded and stored less often.
/// </summary>
internal sealed unsafe class CpuColumnReduce : CpuKernel
{
    private const int Grain = 64;
    private const int LongestChunk = 1024;
    private const int RowsAtOnce = 4;
    private const int RepeatedInstructions = 24;

    private readonly int sources;
    private readonly int size;
    private readonly nint[] start;
    private readonly Odometer kept;
    private readonly Odometer rows;
    private readonly long columns;
    private readonly long chunk;
    private readonly long chunks;
    private readonly long[] columnSteps;
    private readonly bool inPlace;
    private readonly int together;
    private readonly RowDelegate clear;
    private readonly RowDelegate addOne;
    private readonly RowDelegate addSome;
    private readonly RowDelegate addBlock;
    private readonly RowDelegate store;
    private readonly int instructions;
    private readonly Work work;

    public CpuColumnReduce(ReduceKernel kernel, ReducePlan plan, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        (sources, size) = (kernel.Sources.Length, kernel.Target.DType.Size());
        var type = kernel.Target.DType;
        Operand[] operands = [.. kernel.Sources, kernel.Target];
        start = Addresses(operands, blocks);
        kept = new Odometer(plan.Kept.Outer, operands);
        rows = new Odometer(plan.Rows, kernel.Sources);
        columns = plan.Kept.Innermost.Size;
        var strides = plan.Kept.Innermost.Strides;
        columnSteps = new long[operands.Length];
        for (int i = 0; i < operands.Length; i++)
            columnSteps[i] = strides[i] * operands[i].DType.Size();
        long fair = columns * kept.Count / (2L * context.Threads) / Grain * Grain;
        chunk = Math.Min(columns, Math.Clamp(fair, Grain, LongestChunk));
        chunks = (columns + chunk - 1) / chunk;
        inPlace = rows.Count <= ReduceKernel.RowsPerBlock && strides[^1] == 1;
        (instructions, work) = (kernel.Program.Instructions.Length, context.Work);
        together = instructions <= RepeatedInstructions && rows.Count >= RowsAtOnce ? RowsAtOnce : 1;

        addOne = context.Rows.Row(Programs.Accumulate(kernel.Program, kernel.Reduction, 1), Along(strides[..^1], 1));
        addSome = context.Rows.Row(Programs.Accumulate(kernel.Program, kernel.Reduction, together), Along(strides[..^1], together));
        addBlock = context.Rows.Row(Programs.Accumulate(Programs.Copy(type), kernel.Reduction, 1), 1, 1, 1);
        clear = context.Rows.Row(Programs.Neutral(kernel.Reduction, type), 1);
        store = context.Rows.Row(Programs.Copy(type), 1, strides[^1]);
    }

    public override long ScratchBytesPerThread => inPlace ? 0 : 2 * LongestChunk * size;

    public override int Parts(int threads) =>
        work.Parts(kept.Count * columns * rows.Count, instructions + 1, threads, most: kept.Count * chunks);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        byte** point = stackalloc byte*[sources + 1];
        long* index = stackalloc long[2 * Odometer.MaxRank];
        var (first, end) = Share(kept.Count * chunks, 1, part, parts);
        for (; first < end; first++)
        {
            fixed (nint* origin = start)
                kept.Seek(first / chunks, (byte**)origin, point, index);
            long column = first % chunks * chunk;
            for (int i = 0; i <= sources; i++)
                point[i] += column * columnSteps[i];
            Chunk(point, Math.Min(chunk, columns - column), index + Odometer.MaxRank, scratch);
        }
    }

    // Strides of an accumulating program: those of the sources for each row, then the accumulator read and written.
    private static long[] Along(long[] strides, int rows)
    {
        var all = new long[strides.Length * rows + 2];
        for (int row = 0; row < rows; row++)
            strides.CopyTo(all, row * strides.Length);
        all[^1] = all[^2] = 1;
        return all;
    }

    private void Chunk(byte** point, long count, long* index, byte* scratch)
    {
        byte* block = inPlace ? point[sources] : scratch;
        byte* total = inPlace ? null : scratch + LongestChunk * size;
        byte** row = stackalloc byte*[sources + 1];
        void** some = stackalloc void*[together * sources + 2];
        some[0] = total;
        if (!inPlace)
            clear(some, count);
        rows.Seek(0, point, row, index);
        for (long r = 0; r < rows.Count;)
        {
            if (r % ReduceKernel.RowsPerBlock == 0)
            {
                some[0] = block;
                clear(some, count);
            }

            int next = rows.Count - r >= together ? together : 1;
            for (int i = 0; i < next; i++)
            {
                for (int s = 0; s < sources; s++)
                    some[i * sources + s] = row[s];
                rows.Next(row, index);
            }

            some[next * sources] = some[next * sources + 1] = block;
            (next == 1 ? addOne : addSome)(some, count);
            r += next;
            if (!inPlace && (r % ReduceKernel.RowsPerBlock == 0 || r == rows.Count))
            {
                some[0] = block;
                some[1] = some[2] = total;
                addBlock(some, count);
            }
        }

        if (inPlace)
            return;
        some[0] = total;
        some[1] = point[sources];
        store(some, count);
    }
}
