using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// Forward convolution as an implicit product: rows are output channels, columns the result's pixels, k the channels and taps of the image.
/// A part is some images, or some panels of one, or some rows of these.
/// </summary>
internal sealed unsafe class CpuConvolveForward : CpuKernel
{
    private readonly Geometry geometry;
    private readonly Tiling tiling;
    private readonly Planes planes;
    private readonly nint[] taps, corners;
    private readonly int size, rows, steps, pixels, panels, stepsMax;
    private readonly byte* source;
    private readonly byte* filter;
    private readonly byte* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private readonly bool isFar;
    private int rowParts = 1;

    public CpuConvolveForward(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        geometry = Geometry.Of(kernel);
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        rows = geometry.GroupOutputs;
        steps = geometry.GroupChannels * geometry.Taps;
        pixels = geometry.OutPixels;
        panels = (pixels + tiling.PanelColumns - 1) / tiling.PanelColumns;
        stepsMax = Math.Min(steps, ContractKernel.BlockLength);
        isFar = Cache.IsBeyond((long)rows * steps * size);
        planes = new Planes(geometry);
        taps = planes.Taps();
        corners = planes.Corners();
        source = (byte*)address(kernel.Image);
        filter = (byte*)address(kernel.Filter);
        target = (byte*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
    }

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size;

    // Tiles are written after the panel they come from, so the panel may run over into them.
    private long TileBytes => tiling.RowsMax(1) * tiling.PanelColumns * size + Panels.OverrunBytes;

    public override long ScratchBytesPerThread => PanelBytes + TileBytes + planes.Bytes(size);

    public override int Parts(int threads)
    {
        int images = geometry.Samples * geometry.Groups;
        if (images * panels == 0 || rows == 0)
            return 0;
        if (threads == 1 || (double)rows * steps * pixels * images < Work.MultiplyAddsMin)
            return 1;
        // Whole images where there are enough: their planes are then prepared once. Of few pixels everybody packs all, for some of the channels.
        if (images * panels < threads * 2)
            rowParts = Math.Clamp(threads * 2 / (images * panels), 1, Math.Max(1, rows / tiling.RowsMax(1)));
        return Math.Min(images >= threads * 2 ? images : images * panels * rowParts, threads * 4);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        int images = geometry.Samples * geometry.Groups;
        var (first, end) = Share((long)images * panels * rowParts, images >= parts ? panels * rowParts : 1, part, parts);
        int filled = -1;
        byte* copy = scratch + PanelBytes + TileBytes;
        for (long unit = first; unit < end; unit++)
        {
            int image = (int)(unit / (panels * rowParts)), panel = (int)(unit / rowParts % panels);
            byte* from = source + (nint)image * geometry.GroupChannels * geometry.Pixels * size;
            if (planes.IsCopy && filled != image)
                planes.Fill(from, copy, size);
            filled = image;
            var (row, count) = Tiling.Rows(rows, rowParts, (int)(unit % rowParts));
            Panel(image % geometry.Groups, image / geometry.Groups, panel * tiling.PanelColumns, row, count, planes.IsCopy ? copy : from, scratch);
        }
    }

    private void Panel(int group, int sample, int pixel, int firstRow, int rowCount, byte* from, byte* panel)
    {
        byte* buffer = panel + PanelBytes;
        int columns = Math.Min(tiling.PanelColumns, pixels - pixel), vectors = tiling.Vectors(columns), width = vectors * tiling.Lanes;
        var a = new Matrix((nint)filter + (nint)group * rows * steps * size, steps, 1);
        var c = new Matrix((nint)target + (((nint)sample * geometry.Groups + group) * rows * pixels) * size, pixels, 1);
        bool direct = columns == width;
        var tiles = MicroKernel.Tiles(tiling, rowCount, vectors, isFar);
        int step = 0;
        do
        {
            int count = Math.Min(stepsMax, steps - step);
            Pack(from, step, count, pixel, columns, width, panel);
            var mode = step == 0 ? TileMode.Store : TileMode.Add;
            for (int t = 0, row = firstRow, tileRows; t < tiles.Count; t++, row += tileRows)
            {
                tileRows = tiles.Rows(t);
                byte* tile = direct ? c.At(row, pixel, size) : buffer;
                nint rowBytes = direct ? c.RowStride * size : width * size;
                if (!direct && step > 0)
                    TileCopy.Load(c, row, pixel, tileRows, columns, width, size, buffer);
                tiles.Kernel(t)(a.At(row, step, size), a.RowStride * size, size, panel, tile, rowBytes, count, mode);
                if (step + count == steps)
                    epilogue?.Apply(tile, rowBytes, tileRows, columns, group * rows + row, pixel, epilogueOffsets[sample]);
                if (!direct)
                    TileCopy.Store(c, row, pixel, tileRows, columns, width, size, buffer);
            }

            step += count;
        }
        while (step < steps);
    }

    private void Pack(byte* from, int step, int count, int pixel, int columns, int width, byte* panel)
    {
        Span<PanelRun> buffer = stackalloc PanelRun[columns];
        var runs = buffer[..Panels.Runs(corners.AsSpan(pixel, columns), buffer, out int longest)];
        if (size == sizeof(float))
            Panels.Pack((float*)from, taps.AsSpan(step, count), runs, longest, columns, width, (float*)panel);
        else
            Panels.Pack((double*)from, taps.AsSpan(step, count), runs, longest, columns, width, (double*)panel);
    }
}
