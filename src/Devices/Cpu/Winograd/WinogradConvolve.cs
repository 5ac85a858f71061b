using System.Runtime.Intrinsics;
using Singa.Actors.Devices.Cpu.Convolve;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Forward convolution and the image's gradient by <see cref="Graph.Plans.Winograd"/>: the filter is transformed, where it rests once and for all, then some rows of
/// tiles at a time are read, transformed, multiplied frequency by frequency, and transformed back while they are in the cache. A filter that does
/// not rest is transformed on the way (<see cref="FilterPieces"/>) where its transform would be read a few times only, or takes too much memory.
/// For hardly any tiles even the transform of a filter that rests would be read for little: its taps are kept in order, and transformed on the way as well.
/// </summary>
internal sealed unsafe class WinogradConvolve : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes, Frequencies = Graph.Plans.Winograd.Frequencies, TilesWanted = 64, PiecesFew = 8;

    // On narrower vectors transforming takes as long as reading the transform of a filter that is shared by more tiles than one.
    private static readonly int TilesFew = Vector512.IsHardwareAccelerated ? 4 : 1;

    private readonly WinogradSize size;
    private readonly Tiling tiling;
    private readonly PanelCut cut;
    private readonly SharedScratch shared;
    private readonly float* source;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private readonly FilterPieces? pieces;
    private readonly bool isFew;
    private int rowsAtOnce, panelParts = 1;

    private WinogradConvolve(ConvolveKernel kernel, WinogradSize size, PanelCut cut, SharedScratch shared, bool isFew, FilterPieces? pieces, CpuContext context, Func<Operand, nint> address)
    {
        (this.size, this.cut, tiling, this.shared, this.isFew, this.pieces) = (size, cut, cut.Tiling, shared, isFew, pieces);
        source = (float*)address(kernel.Form == ConvolveForm.Forward ? kernel.Image : kernel.Result);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, size.Samples, context, address);
        rowsAtOnce = RowsWanted(size);
    }

    /// <param name="resting">The filter's block where nothing writes it: its transform is kept.</param>
    public static CompiledKernel Compile(ConvolveKernel kernel, RestingBlock? resting, CpuContext context, Func<Operand, nint> address)
    {
        var geometry = Geometry.Of(kernel);
        var size = WinogradSize.Of(geometry, kernel.Form);
        var cut = new PanelCut(new Tiling(kernel.Target.DType, context.Width), size.OutChannels);
        var filter = new FilterTaps(geometry, kernel.Form == ConvolveForm.ImageGradient, (float*)address(kernel.Filter));
        if (resting is not null && IsFew(size, kernel.Form, cut.Tiling))
        {
            var taps = resting.Keep((nameof(TapsPhase), kernel.Filter.Offset, kernel.Filter.Shape), TapsPhase.Bytes(size.InChannels, size.OutChannels));
            var place = new SharedScratch(0);
            return new CpuPhases(place, new TapsPhase(filter, size.InChannels, size.OutChannels, place), new WinogradConvolve(kernel, size, cut, place, isFew: true, null, context, address)) { Kept = taps };
        }

        long bytes = WinogradSize.Bytes(size.InChannels, cut.TotalWidth);
        if (resting is null && IsInPieces(size, bytes, context.SharedScratchMost))
            return new WinogradConvolve(kernel, size, cut, new SharedScratch(0), isFew: false, new FilterPieces(filter, size.InChannels, cut, context.SharedScratchMost), context, address);

        var kept = resting?.Keep((nameof(FilterPhase), kernel.Form, kernel.Filter.Offset, kernel.Filter.Shape), bytes);
        var shared = new SharedScratch(kept is null ? bytes : 0);
        return new CpuPhases(shared, new FilterPhase(filter, size.InChannels, cut, shared), new WinogradConvolve(kernel, size, cut, shared, isFew: false, null, context, address)) { Kept = kept };
    }

    private static bool IsFew(WinogradSize size, ConvolveForm form, Tiling tiling) =>
        form == ConvolveForm.Forward && (long)size.Samples * size.TileRows * size.TileColumns <= TilesFew && size.InChannels <= ContractKernel.BlockLength
        && size.OutChannels % Lanes == 0 && tiling.PanelColumns % Lanes == 0;

    /// <summary>
    /// Whether a filter that does not rest is transformed on the way. Its whole transform, made once, is written and read beyond the second-level cache,
    /// which takes as long as some more transforms; what is small stays near and is made once for many tiles.
    /// </summary>
    private static bool IsInPieces(WinogradSize size, long transformBytes, long most) => transformBytes > most || RowUnits(size, RowsWanted(size)) <= PiecesFew;

    private static int RowsWanted(WinogradSize size) => Math.Max(1, TilesWanted / Math.Max(1, size.TileColumns));

    private static int RowUnits(WinogradSize size, int rowsAtOnce) => (size.Samples * size.TileRows + rowsAtOnce - 1) / rowsAtOnce;

    private int Padded => WinogradSize.Padded(size.InChannels);

    private int TilesMax => rowsAtOnce * size.TileColumns;

    private long PixelsMax => Math.Max(isFew ? TransformingProduct.Temporary : pieces?.Temporary ?? 0, (long)WinogradSize.Reads(rowsAtOnce) * WinogradSize.Reads(size.TileColumns) * Lanes);

    private long Units => (long)RowUnits(size, rowsAtOnce) * panelParts;

    private int PanelWidth => (cut.Width(0) + Lanes - 1) / Lanes * Lanes;

    public override long ScratchBytesPerThread =>
        (PixelsMax + WinogradTransforms.Temporary + Frequencies * (long)(WinogradSize.Apart((long)TilesMax * Padded) + WinogradSize.Apart((long)TilesMax * PanelWidth)) + Lanes) * sizeof(float);

    public override int Parts(int threads)
    {
        int rows = size.Samples * size.TileRows;
        if (rows == 0)
            return 0;
        if (threads == 1)
            return 1;
        if (pieces is not null)
        {
            // Fewer rows would transform the filter more often: threads that have none of their own share those of others, panel by panel.
            int units = RowUnits(size, rowsAtOnce);
            rowsAtOnce = (rows + units - 1) / units;
            panelParts = units % threads == 0 || units >= threads * 4 ? 1 : Math.Min(cut.Count, threads);
            return (int)Math.Min(Units, threads * 8);
        }

        // Of few tiles everybody transforms all, and multiplies them by some of the filter.
        if ((long)rows * size.TileColumns < (long)threads * TilesWanted)
            panelParts = Math.Min(cut.Count, threads * 2);
        rowsAtOnce = Math.Clamp(rows * panelParts / (threads * 2), 1, rowsAtOnce);
        return (int)Math.Min(Units, threads * 8);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* pixels = (float*)scratch;
        float* temporary = pixels + PixelsMax;
        float* image = temporary + WinogradTransforms.Temporary;
        float* products = image + Frequencies * WinogradSize.Apart((long)TilesMax * Padded);
        int rows = size.Samples * size.TileRows;
        var (first, end) = Share(Units, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int row = (int)(unit / panelParts) * rowsAtOnce;
            var (panel, panelEnd) = Share(cut.Count, 1, (int)(unit % panelParts), panelParts);
            Rows(row, Math.Min(rowsAtOnce, rows - row), (int)panel, (int)panelEnd, pixels, temporary, image, products);
        }
    }

    /// <summary>Rows of tiles, counted through all samples, for some panels of the filter.</summary>
    private void Rows(int first, int count, int firstPanel, int endPanel, float* pixels, float* temporary, float* image, float* products)
    {
        int tiles = count * size.TileColumns, height = size.TileRows;
        nint imageApart = WinogradSize.Apart((long)tiles * Padded);
        for (int row = first; row < first + count; row = (row / height + 1) * height)
        {
            int rows = Math.Min(first + count, (row / height + 1) * height) - row;
            Transform(row / height, row % height, rows, pixels, temporary, image + (nint)(row - first) * size.TileColumns * Padded, imageApart);
        }

        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            int width = cut.Width(panel);
            nint apart = WinogradSize.Apart((long)tiles * width);
            if (pieces is not null)
                pieces.Multiply(panel, tiles, image, Padded, imageApart, products, apart, pixels);
            else if (isFew)
                MultiplyFew(panel, tiles, width, image, imageApart, products, apart, pixels);
            else
                Multiply(panel, tiles, width, image, imageApart, products, apart);
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

    private void Multiply(int panel, int tiles, int width, float* image, nint imageApart, float* products, nint apart)
    {
        int steps = size.InChannels;
        float* filter = (float*)shared.Pointer + cut.Start(panel, steps);
        nint filterApart = WinogradSize.Apart((long)steps * cut.TotalWidth);
        var parts = MicroKernel.Tiles(tiling, tiles, width / tiling.Lanes);
        for (int f = 0; f < Frequencies; f++, image += imageApart, filter += filterApart, products += apart)
        {
            for (int step = 0; step < steps; step += ContractKernel.BlockLength)
            {
                int now = Math.Min(ContractKernel.BlockLength, steps - step);
                for (int t = 0, row = 0; t < parts.Count; row += parts.Rows(t++))
                {
                    parts.Kernel(t)((byte*)(image + (nint)row * Padded + step), (nint)Padded * sizeof(float), sizeof(float),
                        (byte*)(filter + (nint)step * width), (byte*)(products + (nint)row * width), (nint)width * sizeof(float), now, step == 0 ? TileMode.Store : TileMode.Add);
                }
            }
        }
    }

    private void MultiplyFew(int panel, int tiles, int width, float* image, nint imageApart, float* products, nint apart, float* temporary)
    {
        for (int column = 0; column < width; column += Lanes)
        {
            float* taps = (float*)shared.Pointer + TapsPhase.Place(size.InChannels, panel * tiling.PanelColumns + column);
            TransformingProduct.Multiply(taps, size.InChannels, tiles, image, Padded, imageApart, products + column, width, apart, temporary);
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

            int channel = panel * tiling.PanelColumns + k, channels = Math.Min(Lanes, cut.ColumnsOf(panel) - k);
            float* to = target + ((nint)sample * size.OutChannels + channel) * plane + (nint)top * size.OutWidth;
            ChannelPixels.Write(pixels, pitch, to, plane, size.OutWidth, channels, height);
            epilogue?.Apply((byte*)to, plane * sizeof(float), channels, height * size.OutWidth, channel, top * size.OutWidth, epilogueOffsets[sample]);
        }
    }
}
