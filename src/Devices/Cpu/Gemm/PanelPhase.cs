namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>A matrix that rests, as micro-kernels read it: all its panels, one behind the other. A part is some panels.</summary>
internal sealed unsafe class PanelPhase(Matrix matrix, int rows, int columns, Tiling tiling, SharedScratch shared) : CpuKernel
{
    private readonly int size = (int)tiling.Width / tiling.Lanes;

    private int Panels => (columns + tiling.PanelColumns - 1) / tiling.PanelColumns;

    public static long Bytes(long rows, long columns, Tiling tiling) =>
        (columns + tiling.Lanes - 1) / tiling.Lanes * (long)tiling.Width * rows;

    /// <summary>Where a panel begins, in elements.</summary>
    public static nint Place(int column, int rows) => (nint)column * rows;

    public override int Parts(int threads) => Math.Min(Panels, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Panels, 1, part, parts);
        for (int panel = (int)first; panel < end; panel++)
        {
            int column = panel * tiling.PanelColumns, wide = Math.Min(tiling.PanelColumns, columns - column);
            Packing.Panel(matrix.At(0, column, size), matrix, rows, wide, tiling.Vectors(wide) * tiling.Lanes, size, shared.Pointer + Place(column, rows) * size);
        }
    }
}
