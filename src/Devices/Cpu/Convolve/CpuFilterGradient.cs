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
internal sealed unsafe class CpuFilterGradient : ShardedGradient<CpuFilterGradient.Region>
{
    // A chain of fewer steps is not worth the loading and storing of its tile.
    private const int PixelsMin = 256;

    private readonly Tiling tiling;
    private readonly Planes planes;
    private readonly nint[] taps, corners;
    private readonly int rows, columns, panels, stepsMax;
    private readonly byte* image;
    private readonly byte* gradient;
    private readonly byte* target;
    private readonly bool isGathered;
    private int rowParts = 1;

    public CpuFilterGradient(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
        : base(kernel, kernel.Target.DType.Size())
    {
        tiling = new Tiling(kernel.Target.DType, context.Width);
        (rows, columns) = (Geometry.GroupOutputs, Geometry.GroupChannels * Geometry.Taps);
        panels = (columns + tiling.PanelColumns - 1) / tiling.PanelColumns;
        planes = new Planes(Geometry);
        taps = planes.Taps();
        corners = planes.Corners();
        isGathered = Geometry.OutPixels < PixelsMin && Geometry.Samples > 1;
        stepsMax = (int)Math.Min(isGathered ? (long)Geometry.OutPixels * Geometry.Samples : Geometry.OutPixels, Tiling.StepsMost);
        image = (byte*)address(kernel.Image);
        gradient = (byte*)address(kernel.Result);
        target = (byte*)address(kernel.Filter);
    }

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * Size + Panels.OverrunBytes;

    protected override int RegionElements => (rows + rowParts - 1) / rowParts * tiling.PanelColumns;

    /// <summary>A tile's rows of the result's gradient.</summary>
    private long RowBytes => isGathered ? (long)tiling.RowsMax(1) * stepsMax * Size : 0;

    private long SumsFrom => PanelBytes + planes.Bytes(Size) + RowBytes;

    public override long ScratchBytesPerThread => SumsFrom + (long)RegionsMax * RegionElements * Size;

    public override int Parts(int threads)
    {
        int units = Ranges.Length * Geometry.Groups * panels;
        if (units == 0 || rows == 0)
            return 0;
        // Rows of one panel share its packing; cut them only where panels alone would leave threads idle.
        if (threads > 1 && units < threads)
            rowParts = Math.Clamp(threads / units, 1, Math.Max(1, rows / 6));
        return threads == 1 ? 1 : units * rowParts;
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)Ranges.Length * Geometry.Groups * panels * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int strip = (int)(unit / rowParts);
            var (row, count) = Tiling.Rows(rows, rowParts, (int)(unit % rowParts));
            int column = strip % panels * tiling.PanelColumns, wide = Math.Min(tiling.PanelColumns, columns - column);
            int vectors = tiling.Vectors(wide), group = strip / panels % Geometry.Groups;
            var region = new Region(group, row, count, column, wide, vectors, vectors * tiling.Lanes, (nint)scratch, Ranges[strip / (panels * Geometry.Groups)].First);
            byte* sum = scratch + SumsFrom;
            Sum(region, region.FirstShard, new ShardRange(0, Ranges[strip / (panels * Geometry.Groups)].Count), sum);
            var c = new Matrix((nint)target + strip / (panels * Geometry.Groups) * RangeBytes + (nint)group * rows * columns * Size, columns, 1);
            TileCopy.Store(c, row, column, count, wide, region.Width, Size, sum);
        }
    }

    /// <summary>A part's rows and columns of one group; its sums are rows of <c>Width</c> elements.</summary>
    internal readonly record struct Region(int Group, int Row, int Rows, int Column, int Columns, int Vectors, int Width, nint Panel, int FirstShard);

    protected override nint Elements(in Region region) => (nint)region.Rows * region.Width;

    protected override int Chain(in Region region, int shard, long done, int most, byte* chain, TileMode mode, ref int prepared)
    {
        long left = isGathered ? (long)Geometry.Samples * Geometry.OutPixels - done : Geometry.OutPixels - done % Geometry.OutPixels;
        int steps = (int)Math.Min(Math.Min(stepsMax, left), most);
        Pack(region, shard, done, steps, ref prepared);
        Multiply(region, shard, done, steps, chain, mode);
        return steps;
    }

    /// <summary>A sample's planes that the region's columns are taps of, with zeros around where these need them.</summary>
    /// <param name="copied">The sample whose planes lie there.</param>
    private byte* Image(in Region region, int sample, ref int copied)
    {
        byte* from = image + ((nint)sample * Geometry.Groups + region.Group) * Geometry.GroupChannels * Geometry.Pixels * Size;
        if (!planes.IsCopy)
            return from;
        byte* copy = (byte*)region.Panel + PanelBytes;
        if (copied == sample)
            return copy;
        copied = sample;
        int first = region.Column / Geometry.Taps, last = (region.Column + region.Columns - 1) / Geometry.Taps;
        planes.Fill(from, copy, Size, first, last - first + 1);
        return copy;
    }

    /// <summary>The panel of <paramref name="steps"/> pixels from number <paramref name="from"/> of the shard's.</summary>
    private void Pack(in Region region, int shard, long from, int steps, ref int copied)
    {
        Span<PanelRun> buffer = stackalloc PanelRun[region.Columns];
        var runs = buffer[..Panels.Runs(taps.AsSpan(region.Column, region.Columns), buffer, out int longest)];
        for (int done = 0; done < steps;)
        {
            var (sample, pixel) = ((int)((from + done) / Geometry.OutPixels), (int)((from + done) % Geometry.OutPixels));
            int count = Math.Min(steps - done, Geometry.OutPixels - pixel);
            byte* image = Image(region, shard * Geometry.Samples + sample, ref copied), panel = (byte*)region.Panel + (nint)done * region.Width * Size;
            if (Size == sizeof(float))
                Panels.Pack((float*)image, corners.AsSpan(pixel, count), runs, longest, region.Columns, region.Width, (float*)panel);
            else
                Panels.Pack((double*)image, corners.AsSpan(pixel, count), runs, longest, region.Columns, region.Width, (double*)panel);
            done += count;
        }
    }

    private void Multiply(in Region region, int shard, long from, int steps, byte* chain, TileMode mode)
    {
        var tiles = MicroKernel.Tiles(tiling, region.Rows, region.Vectors);
        byte* gathered = (byte*)region.Panel + PanelBytes + planes.Bytes(Size);
        nint planeBytes = (nint)Geometry.OutPixels * Size;
        for (int t = 0, row = 0, count; t < tiles.Count; t++, row += count)
        {
            count = tiles.Rows(t);
            byte* a = isGathered ? gathered : Gradient(region, shard, from, row);
            if (isGathered)
                Gather(region, shard, from, steps, row, count, gathered);
            tiles.Kernel(t)(a, isGathered ? (nint)steps * Size : planeBytes, Size, (byte*)region.Panel,
                chain + (nint)row * region.Width * Size, region.Width * Size, steps, mode);
        }
    }

    /// <summary>Rows of the result's gradient side by side over samples.</summary>
    private void Gather(in Region region, int shard, long from, int steps, int row, int rows, byte* target)
    {
        for (int done = 0; done < steps;)
        {
            int count = (int)Math.Min(steps - done, Geometry.OutPixels - (from + done) % Geometry.OutPixels);
            byte* source = Gradient(region, shard, from + done, row);
            for (int i = 0; i < rows; i++)
                new ReadOnlySpan<byte>(source + (nint)i * Geometry.OutPixels * Size, count * Size).CopyTo(new Span<byte>(target + ((nint)i * steps + done) * Size, count * Size));
            done += count;
        }
    }

    /// <summary>Where pixel number <paramref name="pixel"/> of the shard's lies in the plane of a row of the region.</summary>
    private byte* Gradient(in Region region, int shard, long pixel, int row)
    {
        nint sample = shard * Geometry.Samples + (nint)(pixel / Geometry.OutPixels);
        return gradient + (((sample * Geometry.Groups + region.Group) * rows + region.Row + row) * Geometry.OutPixels + (nint)(pixel % Geometry.OutPixels)) * Size;
    }
}
