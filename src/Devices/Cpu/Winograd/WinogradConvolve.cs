using Singa.Actors.Devices.Cpu.Convolve;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Forward convolution and the image's gradient by <see cref="Graph.Plans.Winograd"/>: the filter is transformed once, then some rows of
/// tiles at a time are read, transformed, multiplied frequency by frequency, and transformed back while they are in the cache. Where the
/// whole filter would take too much memory, some of the channels that come out are computed at a time.
/// </summary>
internal sealed unsafe class WinogradConvolve : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes, Frequencies = Graph.Plans.Winograd.Frequencies, TilesWanted = 64;

    private readonly WinogradSize size;
    private readonly Tiling tiling;
    private readonly PanelCut cut;
    private readonly SharedScratch shared;
    private readonly int firstChannel;
    private readonly float* source;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private int rowsAtOnce;

    private WinogradConvolve(ConvolveKernel kernel, WinogradSize size, PanelCut cut, int firstChannel, SharedScratch shared, CpuContext context, Func<Operand, nint> address)
    {
        (this.size, this.cut, tiling, this.firstChannel, this.shared) = (size, cut, cut.Tiling, firstChannel, shared);
        source = (float*)address(kernel.Form == ConvolveForm.Forward ? kernel.Image : kernel.Result);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, size.Samples, context, address);
        rowsAtOnce = Math.Max(1, TilesWanted / size.TileColumns);
    }

    public static CpuPhases Compile(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        var geometry = Geometry.Of(kernel);
        var size = WinogradSize.Of(geometry, kernel.Form);
        var all = new PanelCut(new Tiling(kernel.Target.DType, context.Width), size.OutChannels);
        int atOnce = all.ColumnsWithin(context.SharedScratchMost, columns => WinogradSize.Bytes(size.InChannels, columns));
        var shared = new SharedScratch(WinogradSize.Bytes(size.InChannels, all.Part(0, atOnce).TotalWidth));
        var phases = new List<CpuKernel>();
        for (int first = 0; first < size.OutChannels; first += atOnce)
        {
            var cut = all.Part(first, atOnce);
            phases.Add(new FilterPhase(geometry, kernel.Form == ConvolveForm.ImageGradient, cut, first, (float*)address(kernel.Filter), shared));
            phases.Add(new WinogradConvolve(kernel, size, cut, first, shared, context, address));
        }

        return new CpuPhases(shared, [.. phases]);
    }

    private int Padded => WinogradSize.Padded(size.InChannels);

    private int TilesMax => rowsAtOnce * size.TileColumns;

    private long PixelsMax => (long)WinogradSize.Reads(rowsAtOnce) * WinogradSize.Reads(size.TileColumns) * Lanes;

    private int PanelWidth => (cut.Width(0) + Lanes - 1) / Lanes * Lanes;

    public override long ScratchBytesPerThread =>
        (PixelsMax + WinogradTransforms.Temporary + Frequencies * (long)(WinogradSize.Apart((long)TilesMax * Padded) + WinogradSize.Apart((long)TilesMax * PanelWidth)) + Lanes) * sizeof(float);

    public override int Parts(int threads)
    {
        int rows = size.Samples * size.TileRows;
        if (rows == 0)
            return 0;
        if (threads > 1)
            rowsAtOnce = Math.Clamp(rows / (threads * 2), 1, rowsAtOnce);
        return threads == 1 ? 1 : Math.Min((rows + rowsAtOnce - 1) / rowsAtOnce, threads * 8);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* pixels = (float*)scratch;
        float* temporary = pixels + PixelsMax;
        float* image = temporary + WinogradTransforms.Temporary;
        float* products = image + Frequencies * WinogradSize.Apart((long)TilesMax * Padded);
        var (first, end) = Share((long)size.Samples * size.TileRows, rowsAtOnce, part, parts);
        for (long row = first; row < end; row += rowsAtOnce)
            Rows((int)row, (int)Math.Min(rowsAtOnce, end - row), pixels, temporary, image, products);
    }

    /// <summary>Rows of tiles, counted through all samples.</summary>
    private void Rows(int first, int count, float* pixels, float* temporary, float* image, float* products)
    {
        int tiles = count * size.TileColumns, height = size.TileRows;
        nint imageApart = WinogradSize.Apart((long)tiles * Padded);
        for (int row = first; row < first + count; row = (row / height + 1) * height)
        {
            int rows = Math.Min(first + count, (row / height + 1) * height) - row;
            Transform(row / height, row % height, rows, pixels, temporary, image + (nint)(row - first) * size.TileColumns * Padded, imageApart);
        }

        for (int panel = 0; panel < cut.Count; panel++)
        {
            int width = cut.Width(panel);
            nint apart = WinogradSize.Apart((long)tiles * width);
            for (int f = 0; f < Frequencies; f++)
                Multiply(f, panel, tiles, width, image + f * imageApart, products + f * apart);
            for (int row = first; row < first + count; row = (row / height + 1) * height)
            {
                int rows = Math.Min(first + count, (row / height + 1) * height) - row;
                TransformBack(row / height, row % height, rows, panel, products + (nint)(row - first) * size.TileColumns * width, apart, width, pixels, temporary);
            }
        }
    }

    private void Transform(int sample, int tileRow, int rows, float* pixels, float* temporary, float* image, nint apart)
    {
        int columns = WinogradSize.Reads(size.TileColumns);
        nint plane = (nint)size.InHeight * size.InWidth;
        for (int c = 0; c < size.InChannels; c += Lanes)
        {
            ChannelPixels.Read(source + ((nint)sample * size.InChannels + c) * plane, size.InHeight, size.InWidth, Math.Min(Lanes, size.InChannels - c),
                WinogradSize.Covers(tileRow) - size.Top, -size.Left, WinogradSize.Reads(rows), columns, pixels);
            float* to = image + c;
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < size.TileColumns; x++, to += Padded)
                    WinogradTransforms.Image(pixels + ((nint)WinogradSize.Covers(y) * columns + WinogradSize.Covers(x)) * Lanes, (nint)columns * Lanes, to, apart, temporary);
            }
        }
    }

    private void Multiply(int frequency, int panel, int tiles, int width, float* image, float* products)
    {
        int steps = size.InChannels, vectors = width / tiling.Lanes;
        float* filter = (float*)shared.Pointer + frequency * WinogradSize.Apart((long)steps * cut.TotalWidth) + cut.Start(panel, steps);
        int parts = tiling.Tiles(tiles, vectors);
        for (int step = 0; step < steps; step += ContractKernel.BlockLength)
        {
            int now = Math.Min(ContractKernel.BlockLength, steps - step);
            for (int t = 0; t < parts; t++)
            {
                var (row, rows) = Tiling.Rows(tiles, parts, t);
                MicroKernel.Get(tiling, rows, vectors)((byte*)(image + (nint)row * Padded + step), (nint)Padded * sizeof(float), sizeof(float),
                    (byte*)(filter + (nint)step * width), (byte*)(products + (nint)row * width), (nint)width * sizeof(float), now, step == 0 ? TileMode.Store : TileMode.Add);
            }
        }
    }

    private void TransformBack(int sample, int tileRow, int rows, int panel, float* products, nint apart, int width, float* pixels, float* temporary)
    {
        int pitch = WinogradSize.Covers(size.TileColumns), top = WinogradSize.Covers(tileRow), height = Math.Min(WinogradSize.Covers(rows), size.OutHeight - top);
        nint plane = (nint)size.OutHeight * size.OutWidth;
        for (int k = 0; k < cut.ColumnsOf(panel); k += Lanes)
        {
            float* from = products + k;
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < size.TileColumns; x++, from += width)
                    WinogradTransforms.Result(from, apart, pixels + ((nint)WinogradSize.Covers(y) * pitch + WinogradSize.Covers(x)) * Lanes, (nint)pitch * Lanes, temporary);
            }

            int channel = firstChannel + panel * tiling.PanelColumns + k, channels = Math.Min(Lanes, cut.ColumnsOf(panel) - k);
            float* to = target + ((nint)sample * size.OutChannels + channel) * plane + (nint)top * size.OutWidth;
            ChannelPixels.Write(pixels, pitch, to, plane, size.OutWidth, channels, height);
            epilogue?.Apply((byte*)to, plane * sizeof(float), channels, height * size.OutWidth, channel, top * size.OutWidth, epilogueOffsets[sample]);
        }
    }
}
