using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// A product summed over shards along their tree: what a weight's gradient is. Each tile of C is computed for one shard after the other
/// and joined in the first-level cache, so that a shard's whole gradient is never in memory.
/// </summary>
internal sealed unsafe class CpuShardContract : CpuKernel
{
    private const int PartsPerThread = 4;
    private const int PartsMax = 1 << 16;
    private const double WorkMin = 100_000;

    private readonly Product product;
    private readonly Tiling tiling;
    private readonly ShardRange[] ranges;
    private readonly int size, panels, batches, shardsMax, levels, steps;
    private readonly bool rounded;
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
        // One tile a level of the tree, one for blocks of a long k.
        levels = System.Numerics.BitOperations.Log2((uint)Math.Max(1, shardsMax)) + 3;
    }

    private long PanelBytes => (long)shardsMax * steps * tiling.PanelColumns * size;

    private int TileBytes => tiling.RowsMax(1) * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes + levels * TileBytes;

    public override int Parts(int threads)
    {
        if (product.M == 0 || product.N == 0 || batches == 0)
            return 0;
        // Rows that are cut for nobody pack their panels again and again.
        if (threads == 1 || (double)product.M * product.N * product.K * batches * shardsMax < WorkMin)
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

    private void Strip(int range, int batch, int column, int firstRow, int rowCount, byte* panel)
    {
        int columns = Math.Min(tiling.PanelColumns, product.N - column), vectors = tiling.Vectors(columns), width = vectors * tiling.Lanes;
        var shards = ranges[range];
        byte* tile = panel + PanelBytes;
        for (int s = 0; s < shards.Count; s++)
            Packing.Panel(product.B.Shifted(bOffsets[batch] + (shards.First + s) * bShard, size).At(0, column, size), product.B,
                steps, columns, width, size, panel + (long)s * steps * width * size);
        var c = product.C.Shifted(cOffsets[batch] + range * cRange, size);
        var tiles = MicroKernel.Tiles(tiling, rowCount, vectors);
        var a = product.A.Shifted(aOffsets[batch], size);
        for (int t = 0, row = firstRow, rows; t < tiles.Count; t++, row += rows)
        {
            rows = tiles.Rows(t);
            var job = new TileJob(tiles.Kernel(t), a, row, rows, width, shards.First, panel);
            Sum(job, new ShardRange(0, shards.Count), tile);
            TileCopy.Store(c, row, column, rows, columns, width, size, tile);
        }
    }

    private readonly record struct TileJob(MicroKernelDelegate Kernel, Matrix A, int Row, int Rows, int Width, int FirstShard, nint Panel)
    {
        public TileJob(MicroKernelDelegate kernel, Matrix a, int row, int rows, int width, int firstShard, byte* panel)
            : this(kernel, a, row, rows, width, firstShard, (nint)panel)
        {
        }
    }

    /// <summary>The sum of a range of shards, counted from the first, into a tile; the tiles behind it are free.</summary>
    private void Sum(in TileJob job, ShardRange range, byte* tile)
    {
        if (range.Count == 1)
        {
            Shard(job, range.First, tile, TileMode.Store);
            Round(job, tile);
            return;
        }

        var (left, right) = ShardTree.Halves(range);
        Sum(job, left, tile);
        // A single shard on the right is added by the micro-kernel itself, unless something is done with it first.
        if (!rounded && right.Count == 1 && steps <= ContractKernel.BlockLength)
        {
            Shard(job, right.First, tile, TileMode.Add);
            return;
        }

        byte* next = tile + TileBytes;
        Sum(job, right, next);
        if (size == sizeof(float))
            Packing.Add((float*)tile, (float*)next, job.Rows * job.Width);
        else
            Packing.Add((double*)tile, (double*)next, job.Rows * job.Width);
        Round(job, tile);
    }

    private void Round(in TileJob job, byte* tile)
    {
        if (rounded)
            HalfRows.Round((float*)tile, job.Rows * job.Width);
    }

    private void Shard(in TileJob job, int shard, byte* tile, TileMode mode)
    {
        var a = job.A.Shifted((job.FirstShard + shard) * aShard, size);
        byte* b = (byte*)job.Panel + (long)shard * steps * job.Width * size;
        int step = 0;
        do
        {
            int count = Math.Min(ContractKernel.BlockLength, steps - step);
            job.Kernel(a.At(job.Row, step, size), a.RowStride * size, a.ColumnStride * size, b + (long)step * job.Width * size, tile, job.Width * size, count,
                step == 0 ? mode : TileMode.Add);
            step += count;
        }
        while (step < steps);
    }
}
