using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// All tiles of some samples transformed, for each frequency in panels: rows are tiles, columns channels, all or some. Either an image, in
/// overlapping tiles, or a result's gradient.
/// </summary>
/// <param name="source">The first of those channels of the first of those samples.</param>
internal sealed unsafe class TilePhase(WinogradSize size, bool gradient, PanelCut cut, float* source, SharedScratch shared, long offset, int samples) : CpuKernel
{
    private const int Lanes = WinogradTransforms.Lanes;

    private int Channels => cut.Columns;

    private int AllChannels => gradient ? size.OutChannels : size.InChannels;

    private int Columns => gradient ? WinogradSize.Covers(size.TileColumns) : WinogradSize.Reads(size.TileColumns);

    private long Pixels => (long)(gradient ? WinogradSize.Covers(size.TileRows) : WinogradSize.Reads(size.TileRows)) * Columns * Lanes;

    private int Groups => (Channels + Lanes - 1) / Lanes;

    public override long ScratchBytesPerThread => (Pixels + WinogradTransforms.Temporary + 36 * Lanes) * sizeof(float);

    public override int Parts(int threads) => threads == 1 ? Math.Min(1, samples) : Math.Min(samples * Groups, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        float* pixels = (float*)scratch;
        float* temporary = pixels + Pixels;
        float* frequencies = temporary + WinogradTransforms.Temporary;
        float* target = (float*)(shared.Pointer + offset);
        int tilesEach = size.TileRows * size.TileColumns, tiles = samples * tilesEach;
        nint apart = WinogradSize.Apart((long)tiles * cut.TotalWidth);
        var (height, width) = gradient ? (size.OutHeight, size.OutWidth) : (size.InHeight, size.InWidth);
        var (top, left) = gradient ? (0, 0) : (-size.Top, -size.Left);
        var (first, end) = Share((long)samples * Groups, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int sample = (int)(unit / Groups), c = (int)(unit % Groups) * Lanes, tile = sample * tilesEach;
            ChannelPixels.Read(source + ((nint)sample * AllChannels + c) * height * width, height, width, Math.Min(Lanes, Channels - c), top, left,
                gradient ? WinogradSize.Covers(size.TileRows) : WinogradSize.Reads(size.TileRows), Columns, pixels);
            for (int y = 0; y < size.TileRows; y++)
            {
                for (int x = 0; x < size.TileColumns; x++, tile++)
                {
                    float* from = pixels + ((nint)WinogradSize.Covers(y) * Columns + WinogradSize.Covers(x)) * Lanes;
                    nint place = cut.Place(tiles, tile, c);
                    var (to, far) = place >= 0 ? ((nint)(target + place), apart) : ((nint)frequencies, (nint)Lanes);
                    if (gradient)
                        WinogradTransforms.Gradient(from, (nint)Columns * Lanes, (float*)to, far, temporary);
                    else
                        WinogradTransforms.Image(from, (nint)Columns * Lanes, (float*)to, far, temporary);
                    for (int f = 0; place < 0 && f < Graph.Plans.Winograd.Frequencies; f++)
                        cut.Put(frequencies + f * Lanes, target + f * apart, tiles, tile, c);
                }
            }
        }
    }
}
