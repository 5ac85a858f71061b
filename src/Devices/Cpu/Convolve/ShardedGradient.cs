using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>What every way to a filter's gradient has in common: a region of it is computed shard by shard and joined along the shards' tree.</summary>
internal abstract unsafe class ShardedGradient<TRegion>(ConvolveKernel kernel, int size) : CpuKernel
    where TRegion : struct
{
    protected Geometry Geometry { get; } = Geometry.Of(kernel);

    protected int Size { get; } = size;

    protected ShardRange[] Ranges { get; } = kernel.Tree.IsEmpty ? [new ShardRange(0, 1)] : [.. kernel.Tree];

    /// <summary>Bytes from one range's gradient to the next one's.</summary>
    protected nint RangeBytes { get; } = kernel.Tree.IsEmpty ? 0 : (nint)kernel.Filter.Strides[0] * size;

    /// <summary>Elements from one region's sum to that of the next level.</summary>
    protected abstract int RegionElements { get; }

    /// <summary>Regions that a sum needs: one a level of the tree, one for a block's sum.</summary>
    protected int RegionsMax => System.Numerics.BitOperations.Log2((uint)Math.Max(1, Ranges.Max(r => r.Count))) + 3;

    /// <summary>Goes on with the chains of a shard, whose pixels are counted over its samples.</summary>
    /// <param name="done">How many pixels they have seen.</param>
    /// <param name="most">So many more at most.</param>
    /// <param name="prepared">What the part before left in memory, −1 in the beginning; free to use.</param>
    /// <returns>How many it were.</returns>
    protected abstract int Chain(in TRegion region, int shard, long done, int most, byte* chain, TileMode mode, ref int prepared);

    /// <summary>Elements that a region has, gaps included.</summary>
    protected abstract nint Elements(in TRegion region);

    /// <summary>The sum of a range of shards, counted from <paramref name="first"/>, into a region; the regions behind it are free.</summary>
    protected void Sum(in TRegion region, int first, ShardRange range, byte* sum)
    {
        if (range.Count == 1)
        {
            Shard(region, first + range.First, sum);
            Round(region, sum);
            return;
        }

        var (left, right) = ShardTree.Halves(range);
        byte* next = sum + (nint)RegionElements * Size;
        Sum(region, first, left, sum);
        Sum(region, first, right, next);
        Add(region, sum, next);
        Round(region, sum);
    }

    /// <summary>One shard: the chain goes on over pixels and samples; where it crosses the end of a block, the block's sum is put aside.</summary>
    private void Shard(in TRegion region, int shard, byte* sum)
    {
        byte* chain = sum;
        int inBlock = 0, prepared = -1;
        bool several = false;
        long all = (long)Geometry.Samples * Geometry.OutPixels;
        for (long done = 0; done < all;)
        {
            int steps = Chain(region, shard, done, ContractKernel.BlockLength - inBlock, chain, inBlock == 0 ? TileMode.Store : TileMode.Continue, ref prepared);
            done += steps;
            inBlock += steps;
            if (inBlock < ContractKernel.BlockLength)
                continue;
            if (several)
                Add(region, sum, chain);
            several = true;
            chain = sum + (nint)RegionElements * Size;
            inBlock = 0;
        }

        if (several && inBlock > 0)
            Add(region, sum, chain);
        if (all == 0)
            NativeMemory.Clear(sum, (nuint)(Elements(region) * Size));
    }

    private void Add(in TRegion region, byte* sum, byte* other) => Packing.Add(sum, other, Elements(region), Size);

    private void Round(in TRegion region, byte* sum)
    {
        if (kernel.Rounded)
            HalfRows.Round((float*)sum, Elements(region));
    }
}
