namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Where products and sums of some output channels (rows, in panels of <c>Gradient</c>) by some input channels (columns, of <c>Image</c>) lie in
/// shared memory. A region is a panel of each. First the chains of 36 frequencies, then, where a shard has several blocks of tiles, their
/// sums, then the taps' sums of each level of the tree.
/// </summary>
internal readonly record struct ProductMemory(PanelCut Image, PanelCut Gradient, int Levels, bool SeveralBlocks)
{
    private const int Taps = FilterTaps.Taps;

    private int RowsMax => Math.Min(Gradient.Tiling.PanelColumns, Gradient.Columns);

    // Rows begin at whole vectors of the transforms, whatever the width of the micro-kernels' vectors.
    private int PitchMax => WinogradSize.Padded(Image.Tiling.PanelColumns);

    public int Regions => Image.Count * Gradient.Count;

    private long ProductElements => Graph.Plans.Winograd.Frequencies * (long)WinogradSize.Apart(RowsMax * PitchMax);

    public int SumElements => Taps * RowsMax * PitchMax;

    public long Bytes => (Regions * (ProductElements * (SeveralBlocks ? 2 : 1) + (long)Levels * SumElements) * sizeof(float) + 127) / 128 * 128;

    public (int RowPanel, int ColumnPanel) Panels(int region) => (region / Image.Count, region % Image.Count);

    public int Pitch(int columnPanel) => WinogradSize.Padded(Image.Width(columnPanel));

    /// <summary>Elements from one frequency of a region to the next.</summary>
    public nint Apart(int rowPanel, int columnPanel) => WinogradSize.Apart((long)Gradient.ColumnsOf(rowPanel) * Pitch(columnPanel));

    public long Chain(int region) => region * ProductElements;

    /// <summary>The same place of the blocks' sums.</summary>
    public long Blocks(int region) => (Regions + region) * ProductElements;

    public long Sum(int region, int level) => Regions * ProductElements * (SeveralBlocks ? 2 : 1) + ((long)level * Regions + region) * SumElements;
}
