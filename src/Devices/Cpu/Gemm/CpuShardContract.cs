using System.Numerics;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// A product summed over shards along their tree: what a weight's gradient is. Each tile of C is computed for one shard after the other
/// and joined in registers, so that a shard's whole gradient is never in memory.
/// </summary>
internal sealed unsafe class CpuShardContract : CpuKernel
{
    private const int PartsPerThread = 4;
    private const int PartsMax = 1 << 16;
    private const double WorkMin = 100_000;

    // Their sums that wait fill half of a second-level cache at most.
    private const int TilesAtOnce = 32;

    private readonly Product product;
    private readonly Tiling tiling;
    private readonly ShardRange[] ranges;
    private readonly int size, panels, batches, shardsMax, levels, steps;
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
        isJoined = !rounded && steps <= ContractKernel.BlockLength;
        levels = BitOperations.Log2((uint)Math.Max(1, shardsMax)) + 1;
    }

    private long PanelBytes => (long)shardsMax * steps * tiling.PanelColumns * size;

    private int TileBytes => tiling.RowsMax(1) * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes + (long)TilesAtOnce * levels * TileBytes;

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
        byte* waitingSums = panel + PanelBytes;
        for (int s = 0; s < shards.Count; s++)
            Packing.Panel(product.B.Shifted(bOffsets[batch] + (shards.First + s) * bShard, size).At(0, column, size), product.B,
                steps, columns, width, size, panel + (long)s * steps * width * size);
        var c = product.C.Shifted(cOffsets[batch] + range * cRange, size);
        var a = product.A.Shifted(aOffsets[batch] + shards.First * aShard, size);
        var joined = isJoined ? MicroKernel.Trees(tiling, rowCount, vectors) : default;
        var single = isJoined ? default : MicroKernel.Tiles(tiling, rowCount, vectors);
        int tiles = tiling.Tiles(rowCount, vectors), tileBytes = levels * TileBytes;
        // Of so many shards A is still in the cache when the next tile comes.
        int together = Math.Max(1, Tiling.StepsMax / Math.Max(1, steps));
        for (int firstTile = 0, next; firstTile < tiles; firstTile = next)
        {
            next = Math.Min(tiles, firstTile + TilesAtOnce);
            for (int shard = 0, end; shard < shards.Count; shard = end)
            {
                end = Math.Min(shards.Count, shard + together);
                int waiting = BitOperations.PopCount((uint)shard);
                for (int t = firstTile; t < next; t++)
                {
                    var (row, rows) = Tiling.Rows(rowCount, tiles, t);
                    byte* sums = waitingSums + (t - firstTile) * tileBytes, from = panel + (long)shard * steps * width * size;
                    var job = a.Shifted(shard * aShard, size).At(firstRow + row, 0, size);
                    if (isJoined)
                        joined.Kernel(t)(job, a.RowStride * size, a.ColumnStride * size, from, sums + waiting * TileBytes, TileBytes, steps, aShard * size, shard, end);
                    else
                        Join(single.Kernel(t), job, rows, width, from, sums, shard, end);
                }
            }

            for (int t = firstTile; t < next; t++)
            {
                var (row, rows) = Tiling.Rows(rowCount, tiles, t);
                byte* sums = waitingSums + (t - firstTile) * tileBytes;
                for (int waiting = BitOperations.PopCount((uint)shards.Count) - 1; waiting > 0; waiting--)
                    Add(sums + (waiting - 1) * TileBytes, rows * width);
                TileCopy.Store(c, firstRow + row, column, rows, columns, width, size, sums);
            }
        }
    }

    /// <summary>As <see cref="TreeKernelDelegate"/>, where something is done with each sum or a shard has several blocks.</summary>
    private void Join(MicroKernelDelegate kernel, byte* a, int rows, int width, byte* b, byte* sums, int first, int end)
    {
        for (int shard = first; shard < end; shard++, a += aShard * size)
        {
            byte* sum = sums + BitOperations.PopCount((uint)shard) * TileBytes, from = a;
            int step = 0;
            do
            {
                int count = Math.Min(ContractKernel.BlockLength, steps - step);
                kernel(from, product.A.RowStride * size, product.A.ColumnStride * size, b, sum, width * size, count, step == 0 ? TileMode.Store : TileMode.Add);
                from += count * product.A.ColumnStride * size;
                b += (long)count * width * size;
                step += count;
            }
            while (step < steps);
            Round(sum, rows * width);
            for (int ones = shard; (ones & 1) != 0; ones >>= 1)
                Add(sum -= TileBytes, rows * width);
        }
    }

    /// <summary>The sum behind it is added to a sum.</summary>
    private void Add(byte* sum, int count)
    {
        if (size == sizeof(float))
            Packing.Add((float*)sum, (float*)(sum + TileBytes), count);
        else
            Packing.Add((double*)sum, (double*)(sum + TileBytes), count);
        Round(sum, count);
    }

    private void Round(byte* sum, int count)
    {
        if (rounded)
            HalfRows.Round((float*)sum, count);
    }
}
