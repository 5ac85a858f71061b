using System.Numerics;
using System.Runtime.CompilerServices;
using Singa.Actors.Devices.Cpu.Convolve;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// The filter's gradient for some output and input channels whose tiles are there, transformed: for a panel of each at a time the 36 products
/// are summed over a shard's tiles and transformed to taps. Shards are summed along their tree.
/// </summary>
internal sealed unsafe class WinogradFilterGradient : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes, Frequencies = Graph.Plans.Winograd.Frequencies, Taps = FilterTaps.Taps;

    private readonly SharedScratch shared;
    private readonly Tiling tiling;
    private readonly PanelCut image, gradient;
    private readonly ShardRange[] ranges;
    private readonly int tiles, shardTiles, levels, firstRow, firstColumn, allColumns;
    private readonly long gradientOffset;
    private readonly float* target;
    private readonly nint rangeStride;
    private readonly bool rounded;

    public WinogradFilterGradient(
        ConvolveKernel kernel, PanelCut image, PanelCut gradient, int firstRow, int firstColumn, int shardTiles, int shards, long gradientOffset, SharedScratch shared, float* target)
    {
        (this.image, this.gradient, this.firstRow, this.firstColumn, this.shardTiles, this.gradientOffset, this.shared) = (image, gradient, firstRow, firstColumn, shardTiles, gradientOffset, shared);
        this.target = target;
        tiling = image.Tiling;
        tiles = shards * shardTiles;
        allColumns = (int)kernel.Filter.Shape[^3];
        ranges = kernel.Tree.IsEmpty ? [new ShardRange(0, 1)] : [.. kernel.Tree];
        rangeStride = kernel.Tree.IsEmpty ? 0 : (nint)kernel.Filter.Strides[0];
        rounded = kernel.Rounded;
        levels = BitOperations.Log2((uint)Math.Max(1, ranges.Max(r => r.Count))) + 2;
    }

    private int RowsMax => Math.Min(tiling.PanelColumns, gradient.Columns);

    // Rows begin at whole vectors of the transforms, whatever the width of the micro-kernels' vectors.
    private int PitchMax => WinogradSize.Padded(tiling.PanelColumns);

    private int ProductElements => Frequencies * (int)WinogradSize.Apart(RowsMax * PitchMax);

    private int SumElements => Taps * RowsMax * PitchMax;

    public override long ScratchBytesPerThread => ((long)ProductElements + (long)levels * SumElements + WinogradTransforms.Temporary) * sizeof(float);

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(ranges.Length * gradient.Count * image.Count, threads * 8);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* temporary = (float*)scratch;
        float* products = temporary + WinogradTransforms.Temporary;
        float* sums = products + ProductElements;
        var (first, end) = Share((long)ranges.Length * gradient.Count * image.Count, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int range = (int)(unit / (gradient.Count * image.Count)), rowPanel = (int)(unit / image.Count % gradient.Count), columnPanel = (int)(unit % image.Count);
            var region = new Region(rowPanel, columnPanel, ranges[range].First, (nint)products, (nint)temporary);
            Sum(region, new ShardRange(0, ranges[range].Count), sums);
            Store(region, sums, target + range * rangeStride);
        }
    }

    private readonly record struct Region(int RowPanel, int ColumnPanel, int FirstShard, nint Products, nint Temporary);

    /// <summary>The taps' gradients [tap][row][column] of a range of shards; the sums behind them are free.</summary>
    private void Sum(in Region region, ShardRange range, float* sums)
    {
        if (range.Count == 1)
        {
            Shard(region, region.FirstShard + range.First, sums);
            Round(sums);
            return;
        }

        var (left, right) = ShardTree.Halves(range);
        Sum(region, left, sums);
        Sum(region, right, sums + SumElements);
        Packing.Add(sums, sums + SumElements, SumElements);
        Round(sums);
    }

    private void Round(float* sums)
    {
        if (rounded)
            HalfRows.Round(sums, SumElements);
    }

    private void Shard(in Region region, int shard, float* sums)
    {
        int rows = gradient.ColumnsOf(region.RowPanel), width = image.Width(region.ColumnPanel), rowWidth = gradient.Width(region.RowPanel), vectors = width / tiling.Lanes;
        int pitch = WinogradSize.Padded(width);
        nint apart = WinogradSize.Apart((long)rows * pitch);
        float* products = (float*)region.Products;
        var parts = MicroKernel.Tiles(tiling, rows, vectors);
        for (int f = 0; f < Frequencies; f++)
        {
            float* a = (float*)(shared.Pointer + gradientOffset) + f * WinogradSize.Apart((long)tiles * gradient.TotalWidth) + gradient.Start(region.RowPanel, tiles) + (nint)shard * shardTiles * rowWidth;
            float* b = (float*)shared.Pointer + f * WinogradSize.Apart((long)tiles * image.TotalWidth) + image.Start(region.ColumnPanel, tiles) + (nint)shard * shardTiles * width;
            float* c = products + f * apart;
            // A chain of one block is cut where the cache likes it; sums of several blocks are added.
            bool blocks = shardTiles > ContractKernel.BlockLength;
            int step = 0;
            do
            {
                int steps = Math.Min(blocks ? ContractKernel.BlockLength : Tiling.StepsMost, shardTiles - step);
                var mode = step == 0 ? TileMode.Store : blocks ? TileMode.Add : TileMode.Continue;
                for (int t = 0, row = 0; t < parts.Count; row += parts.Rows(t++))
                {
                    parts.Kernel(t)((byte*)(a + (nint)step * rowWidth + row), sizeof(float), (nint)rowWidth * sizeof(float),
                        (byte*)(b + (nint)step * width), (byte*)(c + (nint)row * pitch), (nint)pitch * sizeof(float), steps, mode);
                }

                step += steps;
            }
            while (step < shardTiles);
        }

        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < width; column += Lanes)
            {
                WinogradTransforms.FilterGradient(products + (nint)row * pitch + column, apart,
                    sums + (nint)row * pitch + column, (nint)rows * pitch, (float*)region.Temporary);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Store(in Region region, float* sums, float* filter)
    {
        int rows = gradient.ColumnsOf(region.RowPanel), pitch = WinogradSize.Padded(image.Width(region.ColumnPanel)), columns = image.ColumnsOf(region.ColumnPanel);
        for (int row = 0; row < rows; row++)
        {
            float* to = filter + ((nint)(firstRow + region.RowPanel * tiling.PanelColumns + row) * allColumns + firstColumn + region.ColumnPanel * tiling.PanelColumns) * Taps;
            for (int tap = 0; tap < Taps; tap++)
            {
                float* from = sums + ((nint)tap * rows + row) * pitch;
                for (int c = 0; c < columns; c++)
                    to[c * Taps + tap] = from[c];
            }
        }
    }
}
