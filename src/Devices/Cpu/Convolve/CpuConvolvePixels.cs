using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// Forward convolution or the image's gradient as an implicit product: rows are channels of the target, columns its pixels, k the
/// channels and taps of the other side. A part is one sample's group or some panels of it.
/// </summary>
internal sealed unsafe class CpuConvolvePixels : CpuKernel
{
    private readonly Geometry geometry;
    private readonly Tiling tiling;
    private readonly bool forward;
    private readonly Planes planes;
    private readonly nint[] taps, corners;
    private readonly int size, rows, steps, pixels, panels, stepsMax;
    private readonly byte* source;
    private readonly byte* filter;
    private readonly byte* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets;

    public CpuConvolvePixels(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        geometry = Geometry.Of(kernel);
        forward = kernel.Form == ConvolveForm.Forward;
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        rows = forward ? geometry.GroupOutputs : geometry.GroupChannels;
        steps = (forward ? geometry.GroupChannels : geometry.GroupOutputs) * geometry.Taps;
        pixels = forward ? geometry.OutPixels : geometry.Pixels;
        panels = (pixels + tiling.PanelColumns - 1) / tiling.PanelColumns;
        stepsMax = Math.Min(steps, ContractKernel.BlockLength);
        planes = forward ? Planes.OfImage(geometry) : Planes.OfGradient(geometry);
        taps = planes.Taps(geometry.Window, turned: !forward);
        corners = forward ? planes.Corners(geometry.OutHeight, geometry.OutWidth, geometry.Window.StrideHeight, geometry.Window.StrideWidth)
            : planes.Corners(geometry.Height, geometry.Width, 1, 1);
        source = (byte*)address(forward ? kernel.Image : kernel.Result);
        filter = (byte*)address(kernel.Filter);
        target = (byte*)address(kernel.Target);
        epilogueOffsets = [];
        if (kernel.Epilogue is { } fused)
        {
            // Seen as one matrix a sample: channels by pixels.
            Epilogue planes = fused with { Sources = [.. fused.Sources.Select(AsMatrices)] };
            epilogue = new TileEpilogue(planes, swapped: false, context, address);
            epilogueOffsets = [.. Enumerable.Range(0, geometry.Samples).Select(n => fused.Sources.Select(s => (nint)(n * s.Strides[0])).ToArray())];
        }
    }

    private static Operand AsMatrices(Operand source) => source with
    {
        Shape = Shape.Of(source.Shape[0], source.Shape[1], source.Shape[2] * source.Shape[3]),
        Strides = [source.Strides[0], source.Strides[1], source.Strides[3]],
    };

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size;

    // Tiles are written after the panel they come from, so the panel may run over into them.
    private long TileBytes => tiling.RowsMax(1) * tiling.PanelColumns * size + Panels.OverrunBytes;

    // The image's gradient needs the filter with its channels as rows; each thread turns its own copy.
    private long FilterBytes => forward ? 0 : (long)rows * steps * size;

    private long PlaneBytes => planes.IsCopy ? (planes.Elements + 2 * tiling.Lanes) * size + Panels.OverrunBytes : 0;

    public override long ScratchBytesPerThread => PanelBytes + TileBytes + FilterBytes + PlaneBytes;

    public override int Parts(int threads)
    {
        int images = geometry.Samples * geometry.Groups;
        if (images * panels == 0 || rows == 0)
            return 0;
        if (threads == 1 || (double)rows * steps * pixels * images < 100_000)
            return 1;
        // Whole images where there are enough: their planes are then prepared once.
        return Math.Min(images >= threads * 2 ? images : images * panels, threads * 4);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        int images = geometry.Samples * geometry.Groups;
        var (first, end) = Share((long)images * panels, images >= parts ? panels : 1, part, parts);
        int turned = -1, filled = -1;
        byte* turn = scratch + PanelBytes + TileBytes, copy = turn + FilterBytes;
        for (long unit = first; unit < end; unit++)
        {
            // Groups outermost, so that a turned filter serves all samples.
            int group = (int)(unit / ((long)geometry.Samples * panels)), sample = (int)(unit / panels % geometry.Samples), panel = (int)(unit % panels);
            if (!forward && turned != group)
                Turn(turned = group, turn);
            byte* from = source + ((nint)sample * geometry.Groups + group) * (forward ? geometry.GroupChannels * geometry.Pixels : geometry.GroupOutputs * geometry.OutPixels) * size;
            int image = sample * geometry.Groups + group;
            if (planes.IsCopy && filled != image)
            {
                filled = image;
                if (size == sizeof(float))
                    planes.Fill((float*)from, (float*)copy);
                else
                    planes.Fill((double*)from, (double*)copy);
            }

            Panel(group, sample, panel * tiling.PanelColumns, planes.IsCopy ? copy : from, scratch);
        }
    }

    private void Panel(int group, int sample, int pixel, byte* from, byte* panel)
    {
        byte* buffer = panel + PanelBytes;
        int columns = Math.Min(tiling.PanelColumns, pixels - pixel), vectors = tiling.Vectors(columns), width = vectors * tiling.Lanes;
        var a = forward ? new Matrix((nint)filter + (nint)group * rows * steps * size, steps, 1) : new Matrix((nint)buffer + (nint)TileBytes, steps, 1);
        var c = new Matrix((nint)target + (((nint)sample * geometry.Groups + group) * rows * pixels) * size, pixels, 1);
        bool direct = columns == width;
        int tiles = tiling.Tiles(rows, vectors), step = 0;
        do
        {
            int count = Math.Min(stepsMax, steps - step);
            Pack(from, step, count, pixel, columns, width, panel);
            var mode = step == 0 ? TileMode.Store : TileMode.Add;
            for (int t = 0; t < tiles; t++)
            {
                var (row, tileRows) = Tiling.Rows(rows, tiles, t);
                byte* tile = direct ? c.At(row, pixel, size) : buffer;
                nint rowBytes = direct ? c.RowStride * size : width * size;
                if (!direct && step > 0)
                    TileCopy.Load(c, row, pixel, tileRows, columns, width, size, buffer);
                MicroKernel.Get(tiling, tileRows, vectors)(a.At(row, step, size), a.RowStride * size, size, panel, tile, rowBytes, count, mode);
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

    private void Turn(int group, byte* turned)
    {
        nint offset = (nint)group * geometry.GroupOutputs * rows * geometry.Taps;
        if (size == sizeof(float))
            Turn((float*)filter + offset, (float*)turned);
        else
            Turn((double*)filter + offset, (double*)turned);
    }

    private void Turn<T>(T* from, T* to) where T : unmanaged
    {
        int taps = geometry.Taps;
        for (int output = 0; output < geometry.GroupOutputs; output++)
        {
            for (int channel = 0; channel < rows; channel++)
                Packing.Copy(from + ((nint)output * rows + channel) * taps, to + ((nint)channel * geometry.GroupOutputs + output) * taps, taps);
        }
    }
}
