using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Reduces trailing dimensions: each row in 16 lanes, then rows in blocks. Where the sources do not lie along one stride, or the
/// program does not run in vectors, its results are first written to scratch, a piece at a time.
/// </summary>
internal sealed unsafe class CpuLaneReduce<T> : CpuPoints
    where T : unmanaged, INumber<T>
{
    private const int Lanes = ReduceKernel.Lanes;

    // A multiple of the lanes; stays in L1 with the sources that fill it.
    private const int Piece = 1024;

    // Short rows are not worth a call each.
    private const int RowsAtOnce = 16;

    private const int LongBytes = 2048;

    private readonly Reduction reduction;
    private readonly T neutral;
    private readonly int sources;
    private readonly nint[] start;
    private readonly Odometer kept;
    private readonly Odometer rows;
    private readonly Odometer pieces;
    private readonly long length;
    private readonly long pieceLength;
    private readonly long[] pieceSteps;
    private readonly RowsDelegate lanes;
    private readonly nint[] rowSteps, pointSteps;
    private readonly bool takesRows, takesPoints;
    private readonly int pointsAtOnce;
    private readonly RowDelegate? evaluate;
    private readonly int instructions;

    public CpuLaneReduce(ReduceKernel kernel, ReducePlan plan, IReadOnlyList<BlockAddress> blocks, CpuContext context, params long[] ahead)
        : base(context.Work)
    {
        (reduction, sources) = (kernel.Reduction, kernel.Sources.Length);
        neutral = T.CreateSaturating(Neutral.Of(reduction, kernel.Target.DType));
        Operand[] operands = [.. kernel.Sources, kernel.Target];
        start = Addresses(operands, blocks);
        kept = new Odometer(plan.Kept, operands);
        rows = new Odometer(plan.Rows, kernel.Sources);
        pieces = new Odometer(plan.Trailing.Outer, kernel.Sources);
        length = plan.Trailing.Count;
        pieceLength = plan.Trailing.Innermost.Size;
        var strides = plan.Trailing.Innermost.Strides;
        pieceSteps = new long[sources];
        for (int i = 0; i < sources; i++)
            pieceSteps[i] = strides[i] * operands[i].DType.Size();
        var fused = plan.Trailing.Rank == 1 ? context.Rows.Lanes(reduction, kernel.Program, strides, ahead) : null;
        lanes = fused ?? context.Rows.Lanes(reduction, Programs.Copy(kernel.Target.DType), [1])!;
        evaluate = fused is null ? context.Rows.Row(kernel.Program, [.. strides, 1]) : null;
        instructions = kernel.Program.Instructions.Length;
        takesRows = evaluate is null && rows.Rank <= 1;
        takesPoints = takesRows && kept.Rank <= 1 && (rows.Count == 1 || kept.Count >= RowsAtOnce);
        // Long rows that follow one another are a stream from memory that waits between them would break.
        pointsAtOnce = rows.Count == 1 && length * sizeof(T) >= LongBytes && Cache.IsInMemory(kept.Count * length * sizeof(T)) ? 1 : RowsAtOnce;
        rowSteps = Steps(takesRows ? rows : null);
        pointSteps = Steps(takesPoints ? kept : null);

        nint[] Steps(Odometer? along) => [.. Enumerable.Range(0, sources).Select(i => (nint)(along?.Step(i) ?? 0)), Lanes * sizeof(T)];
    }

    public override long ScratchBytesPerThread => evaluate is null ? 0 : Piece * sizeof(T);

    public override nint[] Start => start;

    public override long Count => kept.Count;

    public override long Effort => Work.Of(kept.Count * rows.Count * length, instructions);

    public override long Grain => 1;

    public override void Points(byte** start, long first, long end, byte* scratch)
    {
        byte** point = stackalloc byte*[sources + 1];
        byte** row = stackalloc byte*[sources + 1];
        byte** piece = stackalloc byte*[sources + 1];
        long* index = stackalloc long[3 * Odometer.MaxRank];
        T* sums = stackalloc T[RowsAtOnce * Lanes];
        kept.Seek(first, start, point, index);
        if (takesPoints)
        {
            Side(point, row, end - first, sums);
            return;
        }

        for (; first < end; first++)
        {
            *(T*)point[sources] = Rows(point, row, piece, index + Odometer.MaxRank, sums, (T*)scratch);
            kept.Next(point, index);
        }
    }

    /// <summary>Points side by side, row by row: short rows of one point lie far apart, those of neighbours do not.</summary>
    private void Side(byte** point, byte** row, long count, T* sums)
    {
        T* totals = stackalloc T[RowsAtOnce], blocks = stackalloc T[RowsAtOnce];
        for (int more; count > 0; count -= more)
        {
            more = (int)Math.Min(pointsAtOnce, count);
            new Span<T>(totals, more).Fill(neutral);
            new Span<T>(blocks, more).Fill(neutral);
            for (long r = 0; r < rows.Count; r++)
            {
                for (int i = 0; i < sources; i++)
                    row[i] = point[i] + r * rowSteps[i];
                Several(row, pointSteps, more, sums);
                for (int i = 0; i < more; i++)
                    blocks[i] = Join(blocks[i], Tree(sums + i * Lanes));
                if ((r + 1) % ReduceKernel.RowsPerBlock != 0)
                    continue;
                for (int i = 0; i < more; i++)
                    (totals[i], blocks[i]) = (Join(totals[i], blocks[i]), neutral);
            }

            for (int i = 0; i < more; i++, point[sources] += kept.Step(sources))
                *(T*)point[sources] = Join(totals[i], blocks[i]);
            for (int i = 0; i < sources; i++)
                point[i] += more * pointSteps[i];
        }
    }

    /// <summary>Lanes of some rows; pointers are then at the next one.</summary>
    private void Several(byte** row, nint[] steps, int count, T* sums)
    {
        Clear(sums, count);
        row[sources] = (byte*)sums;
        fixed (nint* step = steps)
            lanes((void**)row, length, step, count);
    }

    private T Rows(byte** point, byte** row, byte** piece, long* index, T* sums, T* scratch)
    {
        T total = neutral, block = neutral;
        rows.Seek(0, point, row, index);
        for (long r = 0; r < rows.Count;)
        {
            int more = takesRows ? (int)Math.Min(RowsAtOnce, rows.Count - r) : 1;
            if (evaluate is null)
            {
                Several(row, rowSteps, more, sums);
            }
            else
            {
                Clear(sums, 1);
                Pieces(row, piece, index + Odometer.MaxRank, sums, scratch);
            }

            if (!takesRows)
                rows.Next(row, index);
            for (int i = 0; i < more; i++)
            {
                block = Join(block, Tree(sums + i * Lanes));
                if (++r % ReduceKernel.RowsPerBlock == 0)
                    (total, block) = (Join(total, block), neutral);
            }
        }

        return Join(total, block);
    }

    private void Pieces(byte** row, byte** piece, long* index, T* sums, T* scratch)
    {
        byte** from = stackalloc byte*[sources + 1];
        nint* still = stackalloc nint[2];
        pieces.Seek(0, row, piece, index);
        long column = 0;
        for (long done = 0; done < length;)
        {
            long filled = 0, wanted = Math.Min(Piece, length - done);
            while (filled < wanted)
            {
                long count = Math.Min(wanted - filled, pieceLength - column);
                for (int i = 0; i < sources; i++)
                    from[i] = piece[i] + column * pieceSteps[i];
                from[sources] = (byte*)(scratch + filled);
                evaluate!((void**)from, count);
                filled += count;
                column += count;
                if (column < pieceLength)
                    continue;
                column = 0;
                pieces.Next(piece, index);
            }

            from[0] = (byte*)scratch;
            from[1] = (byte*)sums;
            lanes((void**)from, wanted, still, 1);
            done += wanted;
        }
    }

    // In stores as wide as the loads to come: a load that spans two stores has to wait for both.
    private void Clear(T* lanes, int rows)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            for (int i = 0; i < rows * Lanes; i += Vector512<T>.Count)
                Vector512.Store(Vector512.Create(neutral), lanes + i);
        }
        else
        {
            new Span<T>(lanes, rows * Lanes).Fill(neutral);
        }
    }

    /// <summary>Lanes i and i + 8, i + 4 and so on; in registers where they are floats, for rows may be short.</summary>
    private T Tree(T* lanes)
    {
        if (typeof(T) == typeof(float))
        {
            var (low, high) = (Vector256.Load((float*)lanes), Vector256.Load((float*)lanes + Vector256<float>.Count));
            var eight = Join(low, high);
            var four = Join(eight.GetLower(), eight.GetUpper());
            var two = Join(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3)));
            float one = Join(two, Vector128.Shuffle(two, Vector128.Create(1, 1, 1, 1))).ToScalar();
            return Unsafe.As<float, T>(ref one);
        }

        for (int half = Lanes / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
                lanes[i] = Join(lanes[i], lanes[i + half]);
        }

        return lanes[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<float> Join(Vector256<float> a, Vector256<float> b) => reduction switch
    {
        Reduction.Sum => a + b,
        Reduction.Maximum => Vector256.Max(a, b),
        _ => Vector256.Min(a, b),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<float> Join(Vector128<float> a, Vector128<float> b) => reduction switch
    {
        Reduction.Sum => a + b,
        Reduction.Maximum => Vector128.Max(a, b),
        _ => Vector128.Min(a, b),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Join(T a, T b) => reduction switch
    {
        Reduction.Sum => a + b,
        Reduction.Maximum => T.Max(a, b),
        _ => T.Min(a, b),
    };
}
