using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// Adds updates row by row of the target. Each part has a range of rows: it sorts the positions that touch them, then sums each row's
/// along the tree, where only shards that touch the row take part. So memory is that of the target, not shards times it.
/// </summary>
internal sealed unsafe class CpuScatterAdd<T> : CpuKernel where T : unmanaged, INumber<T>
{
    private readonly nint indices;
    private readonly nint updates;
    private readonly nint target;
    private readonly long targetStride;
    private readonly ImmutableArray<ShardRange> tree;
    private readonly int rows;
    private readonly int count;
    private readonly int all;
    private readonly int width;
    private readonly int depth;
    private readonly int parts;

    public CpuScatterAdd(ScatterAddKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        var inner = kernel.Target with { Shape = kernel.Target.Shape.RemoveAt(0), Strides = kernel.Target.Strides.RemoveAt(0) };
        if (kernel.Indices.DType != DType.Int32 || !kernel.Indices.IsContiguous || !kernel.Updates.IsContiguous || !inner.IsContiguous)
            throw new NotSupportedException($"updates are added by contiguous Int32 to contiguous rows, not by {kernel.Indices.DType}{kernel.Indices.Shape} to {kernel.Target.Shape}");
        (indices, updates, target) = ((nint)Address(kernel.Indices, blocks), (nint)Address(kernel.Updates, blocks), (nint)Address(kernel.Target, blocks));
        (tree, targetStride) = (kernel.Tree, kernel.Target.Strides[0]);
        (rows, count, width) = (checked((int)kernel.Target.Shape[1]), checked((int)kernel.Indices.Shape[1]), checked((int)kernel.Target.Shape[2]));
        all = checked((int)kernel.Indices.Shape.Count);
        depth = tree.Length == 0 ? 0 : BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)tree.Max(t => t.Count))) + 1;
        parts = context.Work.Parts((long)tree.Length * rows * width + (long)all * width, 2, context.Threads, most: rows);
    }

    private int RowsPerPart => parts == 0 ? 0 : (rows + parts - 1) / parts;

    // Where each row's positions begin, the positions, and a sum for each level of the tree.
    public override long ScratchBytesPerThread => Align((RowsPerPart + 1L) * sizeof(int)) + Align((long)all * sizeof(int)) + (long)depth * width * sizeof(T);

    public override int Parts(int threads) => tree.Length == 0 || width == 0 ? 0 : parts;

    public override void Run(int part, int _, int thread, byte* scratch)
    {
        int first = Math.Min(rows, part * RowsPerPart), end = Math.Min(rows, first + RowsPerPart);
        var begins = (int*)scratch;
        var positions = (int*)(scratch + Align((RowsPerPart + 1L) * sizeof(int)));
        var sums = (T*)(scratch + Align((RowsPerPart + 1L) * sizeof(int)) + Align((long)all * sizeof(int)));
        Sort(first, end, begins, positions);
        for (int range = 0; range < tree.Length; range++)
        {
            for (int row = first; row < end; row++)
            {
                var into = (T*)target + range * targetStride + (long)row * width;
                int begin = row == first ? 0 : begins[row - 1 - first], stop = begins[row - first];
                Narrow(tree[range], positions, ref begin, ref stop);
                if (Sum(tree[range].First, new ShardRange(0, tree[range].Count), positions, begin, stop, into, sums) == stop && begin == stop)
                    new Span<T>(into, width).Clear();
            }
        }
    }

    // Counting sort, stable: ascending shards, and within each ascending positions. Afterwards begins[r] is the end of row r.
    private void Sort(int first, int end, int* begins, int* positions)
    {
        int* at = (int*)indices;
        var counts = new Span<int>(begins, end - first + 1);
        counts.Clear();
        for (int i = 0; i < all; i++)
        {
            if (at[i] >= first && at[i] < end)
                counts[at[i] - first + 1]++;
        }

        for (int row = 1; row < counts.Length; row++)
            counts[row] += counts[row - 1];
        for (int i = 0; i < all; i++)
        {
            if (at[i] >= first && at[i] < end)
                positions[counts[at[i] - first]++] = i;
        }
    }

    private void Narrow(ShardRange range, int* positions, ref int begin, ref int stop)
    {
        while (begin < stop && positions[begin] < (long)range.First * count)
            begin++;
        int last = begin;
        while (last < stop && positions[last] < (long)range.End * count)
            last++;
        stop = last;
    }

    /// <summary>The sum of positions that lie in a range of shards, into <paramref name="into"/> unless there is none; answers the first position after it.</summary>
    private int Sum(int firstShard, ShardRange range, int* positions, int begin, int stop, T* into, T* spare)
    {
        if (begin == stop || positions[begin] >= (long)(firstShard + range.End) * count)
            return begin;
        if (range.Count == 1)
        {
            long limit = (long)(firstShard + range.End) * count;
            new Span<T>(into, width).Clear();
            for (; begin < stop && positions[begin] < limit; begin++)
                Add(into, (T*)updates + (long)positions[begin] * width);
            return begin;
        }

        var (left, right) = ShardTree.Halves(range);
        int middle = Sum(firstShard, left, positions, begin, stop, into, spare);
        if (middle == begin)
            return Sum(firstShard, right, positions, begin, stop, into, spare);
        int after = Sum(firstShard, right, positions, middle, stop, spare, spare + width);
        if (after != middle)
            Add(into, spare);
        return after;
    }

    private void Add(T* into, T* from)
    {
        var target = new Span<T>(into, width);
        var source = new ReadOnlySpan<T>(from, width);
        var wide = MemoryMarshal.Cast<T, Vector<T>>(target);
        var other = MemoryMarshal.Cast<T, Vector<T>>(source);
        for (int i = 0; i < wide.Length; i++)
            wide[i] += other[i];
        for (int i = wide.Length * Vector<T>.Count; i < target.Length; i++)
            target[i] += source[i];
    }

    private static long Align(long bytes) => (bytes + 63) / 64 * 64;
}

internal static class CpuScatterAdd
{
    public static CpuKernel Compile(ScatterAddKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) => kernel.Updates.DType switch
    {
        DType.Float32 => new CpuScatterAdd<float>(kernel, blocks, context),
        DType.Float64 => new CpuScatterAdd<double>(kernel, blocks, context),
        DType.Int32 => new CpuScatterAdd<int>(kernel, blocks, context),
        DType.Int64 => new CpuScatterAdd<long>(kernel, blocks, context),
        _ => throw new NotSupportedException($"the CPU adds up no {kernel.Updates.DType}; convert it to Int32 first"),
    };
}
