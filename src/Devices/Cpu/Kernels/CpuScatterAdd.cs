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
    private readonly long rows;
    private readonly long count;
    private readonly int all;
    private readonly long width;
    private readonly int depth;
    private readonly int parts;
    private readonly bool rounded;

    public CpuScatterAdd(ScatterAddKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        var inner = kernel.Target with { Shape = kernel.Target.Shape.RemoveAt(0), Strides = kernel.Target.Strides.RemoveAt(0) };
        if (kernel.Indices.DType != DType.Int32 || !kernel.Indices.IsContiguous || !kernel.Updates.IsContiguous || !inner.IsContiguous)
            throw new NotSupportedException($"updates are added by contiguous Int32 to contiguous rows, not by {kernel.Indices.DType}{kernel.Indices.Shape} to {kernel.Target.Shape}");
        (indices, updates, target) = ((nint)Address(kernel.Indices, blocks), (nint)Address(kernel.Updates, blocks), (nint)Address(kernel.Target, blocks));
        (tree, targetStride, rounded) = (kernel.Tree, kernel.Target.Strides[0], kernel.Rounded);
        // Positions are sorted as 32-bit numbers; rows and their elements are counted in 64.
        if (kernel.Indices.Shape.Count > int.MaxValue)
            throw new NotSupportedException($"{kernel.Indices.Shape.Count} rows are added up: the CPU takes at most {int.MaxValue} at once");
        (rows, count, width) = (kernel.Target.Shape[1], kernel.Indices.Shape[1], kernel.Target.Shape[2]);
        all = (int)kernel.Indices.Shape.Count;
        depth = tree.Length == 0 ? 0 : BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)tree.Max(t => t.Count))) + 1;
        parts = context.Work.Parts(tree.Length * rows * width + all * width, 2, context.Threads, most: rows);
    }

    private long RowsPerPart => parts == 0 ? 0 : (rows + parts - 1) / parts;

    // Where each row's positions begin, the positions, and a sum for each level of the tree.
    public override long ScratchBytesPerThread => Align((RowsPerPart + 1) * sizeof(int)) + Align((long)all * sizeof(int)) + depth * width * sizeof(T);

    public override int Parts(int threads) => tree.Length == 0 || width == 0 ? 0 : parts;

    public override void Run(int part, int _, int thread, byte* scratch)
    {
        long first = Math.Min(rows, part * RowsPerPart), end = Math.Min(rows, first + RowsPerPart);
        var begins = (int*)scratch;
        var positions = (int*)(scratch + Align((RowsPerPart + 1) * sizeof(int)));
        var sums = (T*)(scratch + Align((RowsPerPart + 1) * sizeof(int)) + Align((long)all * sizeof(int)));
        Sort(first, end, begins, positions);
        for (int range = 0; range < tree.Length; range++)
        {
            for (long row = first; row < end; row++)
            {
                var into = (T*)target + range * targetStride + row * width;
                int begin = row == first ? 0 : begins[row - 1 - first], stop = begins[row - first];
                Narrow(tree[range], positions, ref begin, ref stop);
                if (Sum(tree[range].First, new ShardRange(0, tree[range].Count), positions, begin, stop, into, sums) == stop && begin == stop)
                    Clear(into);
            }
        }
    }

    // Counting sort, stable: ascending shards, and within each ascending positions. Afterwards begins[r] is the end of row r.
    private void Sort(long first, long end, int* begins, int* positions)
    {
        int* at = (int*)indices;
        NativeMemory.Clear(begins, (nuint)(end - first + 1) * sizeof(int));
        for (int i = 0; i < all; i++)
        {
            if (at[i] >= first && at[i] < end)
                begins[at[i] - first + 1]++;
        }

        for (long row = 1; row <= end - first; row++)
            begins[row] += begins[row - 1];
        for (int i = 0; i < all; i++)
        {
            if (at[i] >= first && at[i] < end)
                positions[begins[at[i] - first]++] = i;
        }
    }

    private void Narrow(ShardRange range, int* positions, ref int begin, ref int stop)
    {
        while (begin < stop && positions[begin] < range.First * count)
            begin++;
        int last = begin;
        while (last < stop && positions[last] < range.End * count)
            last++;
        stop = last;
    }

    /// <summary>The sum of positions that lie in a range of shards, into <paramref name="into"/> unless there is none; answers the first position after it.</summary>
    private int Sum(int firstShard, ShardRange range, int* positions, int begin, int stop, T* into, T* spare)
    {
        if (begin == stop || positions[begin] >= (firstShard + range.End) * count)
            return begin;
        if (range.Count == 1)
        {
            long limit = (firstShard + range.End) * count;
            Clear(into);
            for (; begin < stop && positions[begin] < limit; begin++)
                Add(into, (T*)updates + positions[begin] * width);
            Round(into);
            return begin;
        }

        var (left, right) = ShardTree.Halves(range);
        int middle = Sum(firstShard, left, positions, begin, stop, into, spare);
        if (middle == begin)
            return Sum(firstShard, right, positions, begin, stop, into, spare);
        int after = Sum(firstShard, right, positions, middle, stop, spare, spare + width);
        if (after != middle)
        {
            Add(into, spare);
            Round(into);
        }

        return after;
    }

    private void Round(T* row)
    {
        if (rounded)
            HalfRows.Round((float*)row, (nint)width);
    }

    private void Add(T* into, T* from)
    {
        long i = 0;
        for (; i + Vector<T>.Count <= width; i += Vector<T>.Count)
            Vector.Store(Vector.Load(into + i) + Vector.Load(from + i), into + i);
        for (; i < width; i++)
            into[i] += from[i];
    }

    private void Clear(T* row) => NativeMemory.Clear(row, (nuint)(width * sizeof(T)));

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
