using Singa.Actors.Devices.Cpu.Convolve;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>One convolution in tiles: what is read ("in") and what is covered by tiles of 4×4 ("out").</summary>
internal sealed record WinogradSize(int Samples, int InChannels, int InHeight, int InWidth, int OutChannels, int OutHeight, int OutWidth, int Top, int Left)
{
    /// <summary>For an image's gradient the result's gradient is read and the image is covered.</summary>
    public static WinogradSize Of(Geometry g, ConvolveForm form) => form == ConvolveForm.ImageGradient
        ? new(g.Samples, g.Outputs, g.OutHeight, g.OutWidth, g.Channels, g.Height, g.Width, Graph.Plans.Winograd.Taps - 1 - g.Window.PadTop, Graph.Plans.Winograd.Taps - 1 - g.Window.PadLeft)
        : new(g.Samples, g.Channels, g.Height, g.Width, g.Outputs, g.OutHeight, g.OutWidth, g.Window.PadTop, g.Window.PadLeft);

    public int TileRows => (OutHeight + Graph.Plans.Winograd.Outputs - 1) / Graph.Plans.Winograd.Outputs;

    public int TileColumns => (OutWidth + Graph.Plans.Winograd.Outputs - 1) / Graph.Plans.Winograd.Outputs;

    /// <summary>Pixels of a window that as many tiles beside one another read.</summary>
    public static int Reads(int tiles) => Graph.Plans.Winograd.Outputs * tiles + Graph.Plans.Winograd.Inputs - Graph.Plans.Winograd.Outputs;

    public static int Covers(int tiles) => Graph.Plans.Winograd.Outputs * tiles;

    /// <summary>
    /// How far apart frequencies of so many floats each lie: a line further than that, for at a multiple of 4 KiB all 36 would share one set of
    /// the first-level cache and drive one another out.
    /// </summary>
    public static nint Apart(long elements) => (nint)(elements + WinogradTransforms.Lanes);

    /// <summary>Bytes of all frequencies of rows × columns.</summary>
    public static long Bytes(long rows, long columns) => Graph.Plans.Winograd.Frequencies * (long)Apart(rows * columns) * sizeof(float);

    public static int Padded(int channels) => (channels + WinogradTransforms.Lanes - 1) / WinogradTransforms.Lanes * WinogradTransforms.Lanes;
}

/// <summary>Columns cut into panels for the micro-kernels: each panel's rows lie side by side, as wide as its vectors.</summary>
internal readonly record struct PanelCut(Tiling Tiling, int Columns)
{
    public int Count => (Columns + Tiling.PanelColumns - 1) / Tiling.PanelColumns;

    public int ColumnsOf(int panel) => Math.Min(Tiling.PanelColumns, Columns - panel * Tiling.PanelColumns);

    public int Width(int panel) => Tiling.Vectors(ColumnsOf(panel)) * Tiling.Lanes;

    /// <summary>All panels' widths together.</summary>
    public int TotalWidth => (Count - 1) * Tiling.PanelColumns + Width(Count - 1);

    /// <summary>Some neighbouring columns, from a panel's beginning on.</summary>
    public PanelCut Part(int first, int count) => this with { Columns = Math.Min(count, Columns - first) };

    /// <summary>Columns of as many whole panels, one at least, as take no more than so many bytes.</summary>
    public int ColumnsWithin(long most, Func<int, long> bytes)
    {
        int panels = Count;
        while (panels > 1 && bytes(Part(0, panels * Tiling.PanelColumns).TotalWidth) > most)
            panels--;
        return panels * Tiling.PanelColumns;
    }

    /// <summary>Where a panel of so many rows begins, in elements.</summary>
    public nint Start(int panel, int rows) => (nint)panel * Tiling.PanelColumns * rows;

    /// <summary>Where sixteen neighbouring columns of one row lie, in elements; −1 where they do not lie side by side.</summary>
    public nint Place(int rows, int row, int column)
    {
        var (panel, within) = Math.DivRem(column, Tiling.PanelColumns);
        int width = Width(panel);
        return within + WinogradTransforms.Lanes <= width ? Start(panel, rows) + (nint)row * width + within : -1;
    }

    /// <summary>Puts sixteen neighbouring columns of one row into place; what lies beyond the last panel's width is dropped.</summary>
    public unsafe void Put(float* values, float* panels, int rows, int row, int column)
    {
        for (int done = 0; done < WinogradTransforms.Lanes;)
        {
            int panel = (column + done) / Tiling.PanelColumns, within = (column + done) % Tiling.PanelColumns;
            if (panel >= Count)
                return;
            int width = Width(panel), count = Math.Min(WinogradTransforms.Lanes - done, width - within);
            if (count <= 0)
                return;
            Packing.Copy(values + done, panels + Start(panel, rows) + (nint)row * width + within, count);
            done += count;
        }
    }
}
