using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// The filter's gradient: rows are output channels, columns (channel, kh, kw), k the pixels of all samples of a shard, packed as patches on
/// the one side and read in place on the other, or gathered over several samples where each has few. Shards are summed along their tree. A part is a range of
/// rows and columns of one group.
/// </summary>
internal sealed unsafe class CpuFilterGradient : CpuKernel
{
    // A chain of fewer steps is not worth the loading and storing of its tile.
    private const int PixelsMin = 256;

    private readonly Geometry geometry;
    private readonly Tiling tiling;
    private readonly Planes planes;
    private readonly nint[] taps, corners;
    private readonly ShardRange[] ranges;
    private readonly int size, rows, columns, panels, stepsMax, levels;
    private readonly byte* image;
    private readonly byte* gradient;
    private readonly byte* target;
    private readonly nint rangeBytes;
    private readonly bool rounded, isGathered;
    private int rowParts = 1;

    public CpuFilterGradient(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        geometry = Geometry.Of(kernel);
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        ranges = kernel.Tree.IsEmpty ? [new ShardRange(0, 1)] : [.. kernel.Tree];
        rounded = kernel.Rounded;
        (rows, columns) = (geometry.GroupOutputs, geometry.GroupChannels * geometry.Taps);
        panels = (columns + tiling.PanelColumns - 1) / tiling.PanelColumns;
        planes = new Planes(geometry);
        taps = planes.Taps();
        corners = planes.Corners();
        isGathered = geometry.OutPixels < PixelsMin && geometry.Samples > 1;
        stepsMax = (int)Math.Min(isGathered ? (long)geometry.OutPixels * geometry.Samples : geometry.OutPixels, Tiling.StepsMax);
        // One region a level of the tree, one for a block's sum.
        levels = System.Numerics.BitOperations.Log2((uint)Math.Max(1, ranges.Max(r => r.Count))) + 2;
        image = (byte*)address(kernel.Image);
        gradient = (byte*)address(kernel.Result);
        target = (byte*)address(kernel.Filter);
        rangeBytes = kernel.Tree.IsEmpty ? 0 : (nint)kernel.Filter.Strides[0] * size;
    }

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size + Panels.OverrunBytes;

    private int RegionElements => (rows + rowParts - 1) / rowParts * tiling.PanelColumns;

    /// <summary>A tile's rows of the result's gradient.</summary>
    private long RowBytes => isGathered ? (long)tiling.RowsMax(1) * stepsMax * size : 0;

    private long SumsFrom => PanelBytes + planes.Bytes(size) + RowBytes;

    public override long ScratchBytesPerThread => SumsFrom + (long)(levels + 1) * RegionElements * size;

    public override int Parts(int threads)
    {
        int units = ranges.Length * geometry.Groups * panels;
        if (units == 0 || rows == 0)
            return 0;
        // Rows of one panel share its packing; cut them only where panels alone would leave threads idle.
        if (threads > 1 && units < threads)
            rowParts = Math.Clamp(threads / units, 1, Math.Max(1, rows / 6));
        return threads == 1 ? 1 : units * rowParts;
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)ranges.Length * geometry.Groups * panels * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int strip = (int)(unit / rowParts);
            var (row, count) = Tiling.Rows(rows, rowParts, (int)(unit % rowParts));
            int column = strip % panels * tiling.PanelColumns, wide = Math.Min(tiling.PanelColumns, columns - column);
            int vectors = tiling.Vectors(wide), group = strip / panels % geometry.Groups;
            var region = new Region(group, row, count, column, wide, vectors, vectors * tiling.Lanes, (nint)scratch, ranges[strip / (panels * geometry.Groups)].First);
            byte* sum = scratch + SumsFrom;
            Sum(region, new ShardRange(0, ranges[strip / (panels * geometry.Groups)].Count), sum);
            var c = new Matrix((nint)target + strip / (panels * geometry.Groups) * rangeBytes + (nint)group * rows * columns * size, columns, 1);
            TileCopy.Store(c, row, column, count, wide, region.Width, size, sum);
        }
    }

    /// <summary>A part's rows and columns of one group; its sums are rows of <c>Width</c> elements.</summary>
    private readonly record struct Region(int Group, int Row, int Rows, int Column, int Columns, int Vectors, int Width, nint Panel, int FirstShard);

    /// <summary>The sum of a range of shards into a region; the regions behind it are free.</summary>
    private void Sum(in Region region, ShardRange range, byte* sum)
    {
        if (range.Count == 1)
        {
            Shard(region, region.FirstShard + range.First, sum);
            Round(region, sum);
            return;
        }

        var (left, right) = ShardTree.Halves(range);
        byte* next = sum + (nint)RegionElements * size;
        Sum(region, left, sum);
        Sum(region, right, next);
        Add(region, sum, next);
        Round(region, sum);
    }

    private void Round(in Region region, byte* sum)
    {
        if (rounded)
            HalfRows.Round((float*)sum, (nint)region.Rows * region.Width);
    }

    /// <summary>One shard: the chain goes on over pixels and samples; where it crosses the end of a block, the block's sum is put aside.</summary>
    private void Shard(in Region region, int shard, byte* sum)
    {
        byte* chain = sum;
        int inBlock = 0, copied = -1;
        bool several = false;
        long all = (long)geometry.Samples * geometry.OutPixels;
        for (long done = 0; done < all;)
        {
            long left = isGathered ? all - done : geometry.OutPixels - done % geometry.OutPixels;
            int steps = (int)Math.Min(Math.Min(stepsMax, left), ContractKernel.BlockLength - inBlock);
            Pack(region, shard, done, steps, ref copied);
            Multiply(region, shard, done, steps, chain, inBlock == 0 ? TileMode.Store : TileMode.Continue);
            done += steps;
            inBlock += steps;
            if (inBlock < ContractKernel.BlockLength)
                continue;
            if (several)
                Add(region, sum, chain);
            several = true;
            chain = sum + (nint)RegionElements * size;
            inBlock = 0;
        }

        if (several && inBlock > 0)
            Add(region, sum, chain);
        if (geometry.Samples == 0 || geometry.OutPixels == 0)
            new Span<byte>(sum, region.Rows * region.Width * size).Clear();
    }

    /// <summary>A sample's planes that the region's columns are taps of, with zeros around where these need them.</summary>
    /// <param name="copied">The sample whose planes lie there.</param>
    private byte* Image(in Region region, int sample, ref int copied)
    {
        byte* from = image + ((nint)sample * geometry.Groups + region.Group) * geometry.GroupChannels * geometry.Pixels * size;
        if (!planes.IsCopy)
            return from;
        byte* copy = (byte*)region.Panel + PanelBytes;
        if (copied == sample)
            return copy;
        copied = sample;
        int first = region.Column / geometry.Taps, last = (region.Column + region.Columns - 1) / geometry.Taps;
        planes.Fill(from, copy, size, first, last - first + 1);
        return copy;
    }

    /// <summary>The panel of <paramref name="steps"/> pixels from number <paramref name="from"/> of the shard's.</summary>
    private void Pack(in Region region, int shard, long from, int steps, ref int copied)
    {
        Span<PanelRun> buffer = stackalloc PanelRun[region.Columns];
        var runs = buffer[..Panels.Runs(taps.AsSpan(region.Column, region.Columns), buffer, out int longest)];
        for (int done = 0; done < steps;)
        {
            var (sample, pixel) = ((int)((from + done) / geometry.OutPixels), (int)((from + done) % geometry.OutPixels));
            int count = Math.Min(steps - done, geometry.OutPixels - pixel);
            byte* image = Image(region, shard * geometry.Samples + sample, ref copied), panel = (byte*)region.Panel + (nint)done * region.Width * size;
            if (size == sizeof(float))
                Panels.Pack((float*)image, corners.AsSpan(pixel, count), runs, longest, region.Columns, region.Width, (float*)panel);
            else
                Panels.Pack((double*)image, corners.AsSpan(pixel, count), runs, longest, region.Columns, region.Width, (double*)panel);
            done += count;
        }
    }

    private void Multiply(in Region region, int shard, long from, int steps, byte* chain, TileMode mode)
    {
        var tiles = new TileRows(tiling, region.Rows, region.Vectors);
        byte* gathered = (byte*)region.Panel + PanelBytes + planes.Bytes(size);
        nint planeBytes = (nint)geometry.OutPixels * size;
        for (int t = 0, row = 0, count; t < tiles.Count; t++, row += count)
        {
            count = tiles.Rows(t);
            byte* a = isGathered ? gathered : Gradient(region, shard, from, row);
            if (isGathered)
                Gather(region, shard, from, steps, row, count, gathered);
            tiles.Kernel(t)(a, isGathered ? (nint)steps * size : planeBytes, size, (byte*)region.Panel,
                chain + (nint)row * region.Width * size, region.Width * size, steps, mode);
        }
    }

    /// <summary>Rows of the result's gradient side by side over samples.</summary>
    private void Gather(in Region region, int shard, long from, int steps, int row, int rows, byte* target)
    {
        for (int done = 0; done < steps;)
        {
            int count = (int)Math.Min(steps - done, geometry.OutPixels - (from + done) % geometry.OutPixels);
            byte* source = Gradient(region, shard, from + done, row);
            for (int i = 0; i < rows; i++)
                new ReadOnlySpan<byte>(source + (nint)i * geometry.OutPixels * size, count * size).CopyTo(new Span<byte>(target + ((nint)i * steps + done) * size, count * size));
            done += count;
        }
    }

    /// <summary>Where pixel number <paramref name="pixel"/> of the shard's lies in the plane of a row of the region.</summary>
    private byte* Gradient(in Region region, int shard, long pixel, int row)
    {
        nint sample = shard * geometry.Samples + (nint)(pixel / geometry.OutPixels);
        return gradient + (((sample * geometry.Groups + region.Group) * rows + region.Row + row) * geometry.OutPixels + (nint)(pixel % geometry.OutPixels)) * size;
    }

    private void Add(in Region region, byte* sum, byte* other)
    {
        nint count = (nint)region.Rows * region.Width;
        if (size == sizeof(float))
            Packing.Add((float*)sum, (float*)other, count);
        else
            Packing.Add((double*)sum, (double*)other, count);
    }
}
