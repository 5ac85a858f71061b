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
        source = (byte*)address(forward ? kernel.Image : kernel.Result);
        filter = (byte*)address(kernel.Filter);
        target = (byte*)address(kernel.Target);
        epilogueOffsets = [];
        if (kernel.Epilogue is { } fused)
        {
            // Seen as one matrix a sample: channels by pixels.
            Epilogue planes = fused with { Sources = [.. fused.Sources.Select(Planes)] };
            epilogue = new TileEpilogue(planes, swapped: false, context, address);
            epilogueOffsets = [.. Enumerable.Range(0, geometry.Samples).Select(n => fused.Sources.Select(s => (nint)(n * s.Strides[0])).ToArray())];
        }
    }

    private static Operand Planes(Operand source) => source with
    {
        Shape = Shape.Of(source.Shape[0], source.Shape[1], source.Shape[2] * source.Shape[3]),
        Strides = [source.Strides[0], source.Strides[1], source.Strides[3]],
    };

    private long PanelBytes => (long)stepsMax * tiling.PanelColumns * size;

    private long TileBytes => tiling.RowsMax(1) * tiling.PanelColumns * size;

    // The image's gradient needs the filter with its channels as rows; each thread turns its own copy.
    private long FilterBytes => forward ? 0 : (long)rows * steps * size;

    public override long ScratchBytesPerThread => PanelBytes + TileBytes + FilterBytes;

    public override int Parts(int threads)
    {
        int units = geometry.Samples * geometry.Groups * panels;
        if (units == 0 || rows == 0)
            return 0;
        return (double)rows * steps * pixels * geometry.Samples * geometry.Groups < 100_000 ? 1 : threads == 1 ? 1 : Math.Min(units, threads * 4);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)geometry.Samples * geometry.Groups * panels, 1, part, parts);
        int turned = -1;
        for (long unit = first; unit < end; unit++)
        {
            // Groups outermost, so that a turned filter serves all samples.
            int group = (int)(unit / ((long)geometry.Samples * panels)), sample = (int)(unit / panels % geometry.Samples), panel = (int)(unit % panels);
            if (!forward && turned != group)
                Turn(turned = group, scratch + PanelBytes + TileBytes);
            Panel(group, sample, panel * tiling.PanelColumns, scratch);
        }
    }

    private void Panel(int group, int sample, int pixel, byte* panel)
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
            Pack(group, sample, step, count, pixel, columns, width, panel);
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

    private void Pack(int group, int sample, int step, int count, int pixel, int columns, int width, byte* panel)
    {
        nint offset = forward ? ((nint)sample * geometry.Groups + group) * geometry.GroupChannels * geometry.Pixels
            : ((nint)sample * geometry.Groups + group) * geometry.GroupOutputs * geometry.OutPixels;
        if (size == sizeof(float))
            Pack((float*)source + offset, step, count, pixel, columns, width, (float*)panel);
        else
            Pack((double*)source + offset, step, count, pixel, columns, width, (double*)panel);
    }

    private void Pack<T>(T* from, int step, int count, int pixel, int columns, int width, T* panel) where T : unmanaged
    {
        if (forward)
            PixelPanel.Forward(geometry, from, step, count, pixel, columns, width, panel);
        else
            PixelPanel.Backward(geometry, from, step, count, pixel, columns, width, panel);
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
