using System.Numerics;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// A product summed over shards along their tree: what a weight's gradient is. Some tiles of C at a time are computed for one shard after the
/// other and joined as a binary counter counts (<see cref="TreeKernelDelegate"/>), so that a shard's whole gradient is never in memory.
/// </summary>
internal sealed unsafe class CpuShardContract : CpuKernel
{
    private const int PartsPerThread = 4;
    private const int PartsMax = 1 << 16;

    // Sums that wait take a part of a second-level cache.
    private const int SumBytesMost = 256 << 10;

    private readonly Product product;
    private readonly Tiling tiling;
    private readonly ShardRange[] ranges;
    private readonly int size, panels, batches, shardsMax, sumsEach, tilesAtOnce, steps, stepsMax, together;
    private readonly bool rounded, isJoined;
    private readonly nint aShard, bShard, cRange;
    private readonly nint[] aOffsets, bOffsets, cOffsets;
    private int rowParts = 1;

    public CpuShardContract(ContractKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        ranges = [.. kernel.Tree];
        rounded = kernel.Rounded;
        shardsMax = ranges.Max(r => r.Count);
        product = Product.Of(kernel.Left, kernel.Right, kernel.Target, address);
        var (a, b) = (kernel.Left, kernel.Right);
        if (product.IsBetterSwapped(tiling, epilogue: false))
        {
            product = product.Swapped;
            (a, b) = (b, a);
        }

        (aShard, bShard, cRange) = ((nint)a.Strides[0], (nint)b.Strides[0], (nint)kernel.Target.Strides[0]);
        batches = Batches.Count(kernel.Target.Shape, 1);
        (aOffsets, bOffsets, cOffsets) = (Batches.Offsets(a, 1), Batches.Offsets(b, 1), Batches.Offsets(kernel.Target, 1));
        steps = checked((int)product.K);
        panels = (product.N + tiling.PanelColumns - 1) / tiling.PanelColumns;
        stepsMax = tiling.StepsMax(product.A);
        isJoined = !rounded && steps <= stepsMax;
        together = isJoined ? Math.Clamp(stepsMax / Math.Max(1, steps), 1, shardsMax) : 1;
        // One a level of the tree, and one for blocks of a long k.
        sumsEach = BitOperations.Log2((uint)Math.Max(1, shardsMax)) + (steps > ContractKernel.BlockLength ? 2 : 1);
        tilesAtOnce = Math.Clamp(SumBytesMost / (sumsEach * tiling.TileBytes), 1, Math.Max(1, product.M));
    }

    private long PanelBytes => (long)together * Math.Min(steps, stepsMax) * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes + (long)tilesAtOnce * sumsEach * tiling.TileBytes;

    public override int Parts(int threads)
    {
        if (product.M == 0 || product.N == 0 || batches == 0)
            return 0;
        // Rows that are cut for nobody pack their panels again and again.
        if (threads == 1 || (double)product.M * product.N * product.K * batches * shardsMax < Work.MultiplyAddsMin)
            return 1;
        long strips = (long)ranges.Length * batches * panels;
        if (strips < threads * PartsPerThread)
            rowParts = Math.Clamp(threads * PartsPerThread / (int)strips, 1, Math.Max(1, product.M / 12));
        return (int)Math.Min(strips * rowParts, PartsMax);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)ranges.Length * batches * panels * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int range = (int)(unit / ((long)batches * panels * rowParts)), batch = (int)(unit / ((long)panels * rowParts) % batches), strip = (int)(unit / rowParts % panels);
            var (row, rows) = Tiling.Rows(product.M, rowParts, (int)(unit % rowParts));
            Strip(range, batch, strip * tiling.PanelColumns, row, rows, scratch);
        }
    }

    private void Strip(int range, int batch, int column, int firstRow, int rowCount, byte* scratch)
    {
        var shards = ranges[range];
        int columns = Math.Min(tiling.PanelColumns, product.N - column), vectors = tiling.Vectors(columns);
        var strip = new StripOfTiles(
            product.A.Shifted(aOffsets[batch] + shards.First * aShard + firstRow * product.A.RowStride, size), product.B.Shifted(bOffsets[batch] + shards.First * bShard + column * product.B.ColumnStride, size),
            columns, vectors * tiling.Lanes, isJoined ? MicroKernel.Trees(tiling, rowCount, vectors) : default, isJoined ? default : MicroKernel.Tiles(tiling, rowCount, vectors),
            (nint)scratch, (nint)scratch + (nint)PanelBytes);
        var c = product.C.Shifted(cOffsets[batch] + range * cRange, size);
        int tiles = tiling.Tiles(rowCount, vectors);
        for (int first = 0, end; first < tiles; first = end)
        {
            end = Math.Min(tiles, first + tilesAtOnce);
            for (int shard = 0, next; shard < shards.Count; shard = next)
            {
                next = Math.Min(shards.Count, shard + together);
                if (isJoined)
                    Join(strip, first, end, shard, next, isPacked: first > 0 && next - shard == shards.Count);
                else
                    Chain(strip, first, end, shard);
            }

            for (int t = first; t < end; t++)
            {
                var (row, rows) = Tiling.Rows(rowCount, tiles, t);
                byte* sums = Sums(strip, t - first);
                for (int waiting = BitOperations.PopCount((uint)shards.Count) - 1; waiting > 0; waiting--)
                    Add(sums + (waiting - 1) * tiling.TileBytes, rows * strip.Width);
                TileCopy.Store(c, firstRow + row, column, rows, columns, strip.Width, size, sums);
            }
        }
    }

    /// <summary>Rows of A of a range's first shard, columns of B of the same, where panels are and the sums of tiles that wait.</summary>
    private readonly record struct StripOfTiles(
        Matrix A, Matrix B, int Columns, int Width, TileRows<TreeKernelDelegate> Trees, TileRows<MicroKernelDelegate> Tiles, nint Panel, nint Sums);

    private byte* Sums(in StripOfTiles strip, int tile) => (byte*)strip.Sums + (nint)tile * sumsEach * tiling.TileBytes;

    private void Pack(in StripOfTiles strip, int shard, int step, int count, byte* panel) =>
        Packing.Panel(strip.B.Shifted(shard * bShard, size).At(step, 0, size), strip.B, count, strip.Columns, strip.Width, size, panel);

    /// <summary>Some shards, whose chains are done before the next tile comes: A is then still in the cache.</summary>
    private void Join(in StripOfTiles strip, int firstTile, int endTile, int firstShard, int endShard, bool isPacked)
    {
        for (int shard = firstShard; !isPacked && shard < endShard; shard++)
            Pack(strip, shard, 0, steps, (byte*)strip.Panel + (long)(shard - firstShard) * steps * strip.Width * size);
        int waiting = BitOperations.PopCount((uint)firstShard);
        var a = strip.A.Shifted(firstShard * aShard, size);
        for (int t = firstTile; t < endTile; t++)
        {
            strip.Trees.Kernel(t)(a.At(strip.Trees.First(t), 0, size), a.RowStride * size, a.ColumnStride * size, (byte*)strip.Panel,
                Sums(strip, t - firstTile) + waiting * tiling.TileBytes, tiling.TileBytes, steps, aShard * size, firstShard, endShard);
        }
    }

    /// <summary>The same of one shard that is too long for that or is rounded: some steps of all tiles, then the next.</summary>
    private void Chain(in StripOfTiles strip, int firstTile, int endTile, int shard)
    {
        var a = strip.A.Shifted(shard * aShard, size);
        int step = 0;
        do
        {
            int inBlock = step % ContractKernel.BlockLength, count = Math.Min(Math.Min(stepsMax, steps - step), ContractKernel.BlockLength - inBlock);
            Pack(strip, shard, step, count, (byte*)strip.Panel);
            for (int t = firstTile; t < endTile; t++)
            {
                int elements = strip.Tiles.Rows(t) * strip.Width;
                byte* sum = Sums(strip, t - firstTile) + BitOperations.PopCount((uint)shard) * tiling.TileBytes, chain = step < ContractKernel.BlockLength ? sum : sum + tiling.TileBytes;
                strip.Tiles.Kernel(t)(a.At(strip.Tiles.First(t), step, size), a.RowStride * size, a.ColumnStride * size, (byte*)strip.Panel,
                    chain, strip.Width * size, count, inBlock == 0 ? TileMode.Store : TileMode.Continue);
                bool ends = step + count == steps;
                if (chain != sum && (ends || inBlock + count == ContractKernel.BlockLength))
                    Packing.Add(sum, sum + tiling.TileBytes, elements, size);
                if (!ends)
                    continue;
                Round(sum, elements);
                for (int ones = shard; (ones & 1) != 0; ones >>= 1)
                    Add(sum -= tiling.TileBytes, elements);
            }

            step += count;
        }
        while (step < steps);
    }

    /// <summary>The sum behind it is added to a sum.</summary>
    private void Add(byte* sum, int elements)
    {
        Packing.Add(sum, sum + tiling.TileBytes, elements, size);
        Round(sum, elements);
    }

    private void Round(byte* sum, int elements)
    {
        if (rounded)
            HalfRows.Round((float*)sum, elements);
    }
}
