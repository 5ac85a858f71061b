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

    // Fewer than of a product: all of their sums wait at once.
    private const int PanelsMost = 8;

    // Sums that wait take a part of a second-level cache.
    private const int SumBytesMost = 256 << 10;

    private readonly Product product;
    private readonly Tiling tiling;
    private readonly ShardRange[] ranges;
    private readonly int size, panels, batches, shardsMax, sumsEach, steps, stepsMax, together;
    private readonly bool rounded, isJoined, isWhole;
    private readonly nint aShard, bShard, cRange;
    private readonly nint[] aOffsets, bOffsets, cOffsets;
    private readonly PackedRows packedRows;
    private readonly int tilesAtOnce;
    private int rowParts = 1, panelsAtOnce;

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
        // Then no sum waits for the next shards, and all tiles have theirs in the same place of the first-level cache.
        isWhole = isJoined && together == shardsMax;
        // One a level of the tree, and one for blocks of a long k.
        sumsEach = BitOperations.Log2((uint)Math.Max(1, shardsMax)) + (steps > ContractKernel.BlockLength ? 2 : 1);
        packedRows = new PackedRows(product.A, panels > 1 ? Math.Min(product.M, tiling.RowsPacked) : 0, together * Math.Min(steps, stepsMax), size);
        panelsAtOnce = packedRows.Bytes > 0 ? Math.Min(panels, Math.Min(tiling.PanelsMax, PanelsMost)) : 1;
        tilesAtOnce = isWhole ? 1 : Math.Clamp(SumBytesMost / (panelsAtOnce * sumsEach * tiling.TileBytes), 1, Math.Max(1, product.M));
    }

    private int RowsAtOnce => isWhole ? tiling.RowsAtOnce : Math.Min(tiling.RowsAtOnce, tilesAtOnce * tiling.RowsMax(tiling.VectorsMax));

    private long PanelBytes => (long)together * Math.Min(steps, stepsMax) * tiling.PanelColumns * size;

    /// <summary>Of a panel.</summary>
    private long SumsBytes => (long)tilesAtOnce * sumsEach * tiling.TileBytes;

    public override long ScratchBytesPerThread => (PanelBytes + SumsBytes) * panelsAtOnce + packedRows.Bytes;

    /// <summary>Of panels that are packed at once.</summary>
    private long Groups => (panels + panelsAtOnce - 1) / panelsAtOnce;

    public override int Parts(int threads)
    {
        if (product.M == 0 || product.N == 0 || batches == 0)
            return 0;
        // Rows that are cut for nobody pack their panels again and again.
        if (threads == 1 || (double)product.M * product.N * product.K * batches * shardsMax < Work.MultiplyAddsMin)
            return 1;
        (panelsAtOnce, rowParts) = tiling.Parts((long)ranges.Length * batches, panels, product.M, threads * PartsPerThread, panelsAtOnce);
        return (int)Math.Min(ranges.Length * batches * Groups * rowParts, PartsMax);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        long groups = Groups;
        var (first, end) = Share(ranges.Length * batches * groups * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int range = (int)(unit / (batches * groups * rowParts)), batch = (int)(unit / (groups * rowParts) % batches), panel = (int)(unit / rowParts % groups) * panelsAtOnce;
            var (row, rows) = Tiling.Rows(product.M, rowParts, (int)(unit % rowParts));
            var (a, b) = (product.A.Shifted(aOffsets[batch] + ranges[range].First * aShard, size), product.B.Shifted(bOffsets[batch] + ranges[range].First * bShard, size));
            var group = new Group(a, b, product.C.Shifted(cOffsets[batch] + range * cRange, size), panel, Math.Min(panels, panel + panelsAtOnce), (nint)scratch, (nint)scratch + (nint)(PanelBytes * panelsAtOnce), (nint)scratch + (nint)((PanelBytes + SumsBytes) * panelsAtOnce));
            int blocks = (rows + RowsAtOnce - 1) / RowsAtOnce;
            for (int i = 0; i < blocks; i++)
            {
                var (ahead, count) = Tiling.Rows(rows, blocks, i);
                Block(group, ranges[range].Count, row + ahead, count, isFirst: i == 0);
                if (!isWhole)
                    Store(group, ranges[range].Count, row + ahead, count);
            }
        }
    }

    /// <summary>A and B of a range's first shard and its C, panels of B, and where those, the sums of tiles that wait and packed rows of A are.</summary>
    private readonly record struct Group(Matrix A, Matrix B, Matrix C, int FirstPanel, int EndPanel, nint Panels, nint Sums, nint Rows);

    /// <summary>All shards of some rows times the panels of a group.</summary>
    private void Block(in Group group, int shards, int row, int rows, bool isFirst)
    {
        for (int shard = 0, next; shard < shards; shard = next)
        {
            next = Math.Min(shards, shard + together);
            if (isJoined)
                Join(group, row, rows, shard, next, isPacked: !isFirst && next - shard == shards);
            else
                Chain(group, row, rows, shard);
        }
    }

    private void Store(in Group group, int shards, int row, int rows)
    {
        for (int panel = group.FirstPanel; panel < group.EndPanel; panel++)
        {
            int tiles = tiling.Tiles(rows, Place(panel).Vectors);
            for (int t = 0; t < tiles; t++)
            {
                var (ahead, count) = Tiling.Rows(rows, tiles, t);
                Store(group, panel, shards, row + ahead, count, Sums(group, panel, t));
            }
        }
    }

    /// <summary>A tile, whose sums that still wait are added first.</summary>
    private void Store(in Group group, int panel, int shards, int row, int rows, byte* sums)
    {
        var (column, columns, vectors) = Place(panel);
        int width = vectors * tiling.Lanes;
        for (int waiting = BitOperations.PopCount((uint)shards) - 1; waiting > 0; waiting--)
            Add(sums + (waiting - 1) * tiling.TileBytes, rows * width);
        TileCopy.Store(group.C, row, column, rows, columns, width, size, sums);
    }

    private (int Column, int Columns, int Vectors) Place(int panel)
    {
        int column = panel * tiling.PanelColumns, columns = Math.Min(tiling.PanelColumns, product.N - column);
        return (column, columns, tiling.Vectors(columns));
    }

    private byte* Sums(in Group group, int panel, int tile) => (byte*)group.Sums + (panel - group.FirstPanel) * SumsBytes + (nint)tile * sumsEach * tiling.TileBytes;

    private byte* Panel(in Group group, int panel) => (byte*)group.Panels + (panel - group.FirstPanel) * PanelBytes;

    private void Pack(in Group group, int panel, int shard, int step, int count, int behind)
    {
        var (column, columns, vectors) = Place(panel);
        int width = vectors * tiling.Lanes;
        Packing.Panel(group.B.Shifted(shard * bShard, size).At(step, column, size), group.B, count, columns, width, size, Panel(group, panel) + (nint)behind * width * size);
    }

    /// <summary>Some shards, whose chains are done before the next tile comes: A is then still in the cache.</summary>
    private void Join(in Group group, int row, int rows, int firstShard, int endShard, bool isPacked)
    {
        int waiting = BitOperations.PopCount((uint)firstShard);
        var a = group.A with { Address = (nint)group.A.Shifted(firstShard * aShard, size).At(row, 0, size) };
        nint toNext = aShard;
        if (packedRows.Bytes > 0)
        {
            var from = a;
            for (int shard = firstShard; shard < endShard; shard++)
                a = packedRows.Copy(from.Shifted((shard - firstShard) * aShard, size), rows, steps, (byte*)group.Rows, (shard - firstShard) * steps);
            toNext = steps * a.ColumnStride;
        }

        for (int panel = group.FirstPanel; panel < group.EndPanel; panel++)
        {
            for (int shard = firstShard; !isPacked && shard < endShard; shard++)
                Pack(group, panel, shard, 0, steps, (shard - firstShard) * steps);
            var (column, columns, vectors) = Place(panel);
            var trees = MicroKernel.Trees(tiling, rows, vectors);
            // One sum is left of a power of two.
            bool direct = isWhole && BitOperations.IsPow2(endShard) && columns == vectors * tiling.Lanes && group.C.ColumnStride == 1;
            for (int t = 0; t < trees.Count; t++)
            {
                byte* sums = isWhole ? (byte*)group.Sums : Sums(group, panel, t), target = direct ? group.C.At(row + trees.First(t), column, size) : null;
                trees.Kernel(t)(a.At(trees.First(t), 0, size), a.RowStride * size, a.ColumnStride * size, Panel(group, panel),
                    sums + waiting * tiling.TileBytes, tiling.TileBytes, steps, toNext * size, firstShard, endShard, target, group.C.RowStride * size);
                if (isWhole && !direct)
                    Store(group, panel, endShard, row + trees.First(t), trees.Rows(t), sums);
            }
        }
    }

    /// <summary>The same of one shard that is too long for that or is rounded: some steps of all tiles, then the next.</summary>
    private void Chain(in Group group, int row, int rows, int shard)
    {
        int step = 0;
        do
        {
            int inBlock = step % ContractKernel.BlockLength, count = Math.Min(Math.Min(stepsMax, steps - step), ContractKernel.BlockLength - inBlock);
            var a = packedRows.From(group.A.Shifted(shard * aShard, size), row, rows, step, count, (byte*)group.Rows);
            bool ends = step + count == steps;
            for (int panel = group.FirstPanel; panel < group.EndPanel; panel++)
            {
                Pack(group, panel, shard, step, count, 0);
                int vectors = Place(panel).Vectors, width = vectors * tiling.Lanes;
                var tiles = MicroKernel.Tiles(tiling, rows, vectors);
                for (int t = 0; t < tiles.Count; t++)
                {
                    int elements = tiles.Rows(t) * width;
                    byte* sum = Sums(group, panel, t) + BitOperations.PopCount((uint)shard) * tiling.TileBytes, chain = step < ContractKernel.BlockLength ? sum : sum + tiling.TileBytes;
                    tiles.Kernel(t)(a.At(tiles.First(t), 0, size), a.RowStride * size, a.ColumnStride * size, Panel(group, panel),
                        chain, width * size, count, inBlock == 0 ? TileMode.Store : TileMode.Continue);
                    if (chain != sum && (ends || inBlock + count == ContractKernel.BlockLength))
                        Packing.Add(sum, sum + tiling.TileBytes, elements, size);
                    if (!ends)
                        continue;
                    Round(sum, elements);
                    for (int ones = shard; (ones & 1) != 0; ones >>= 1)
                        Add(sum -= tiling.TileBytes, elements);
                }
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
