namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Rows cut into tiles as even as can be: the first ones are one row taller than the others. Two micro-kernels serve them all, so nothing is
/// looked up or divided for a tile.
/// </summary>
internal readonly struct TileRows
{
    private readonly MicroKernelDelegate? taller, others;
    private readonly int rows, tallerCount;

    /// <param name="isFar">See <see cref="MicroKernel.Get"/>.</param>
    public TileRows(Tiling tiling, int rows, int vectors, bool isFar = false)
    {
        Count = tiling.Tiles(rows, vectors);
        if (Count == 0)
            return;
        (this.rows, tallerCount) = (rows / Count, rows % Count);
        others = MicroKernel.Get(tiling, this.rows, vectors, isFar);
        taller = tallerCount == 0 ? others : MicroKernel.Get(tiling, this.rows + 1, vectors, isFar);
    }

    public int Count { get; }

    public int Rows(int tile) => tile < tallerCount ? rows + 1 : rows;

    public MicroKernelDelegate Kernel(int tile) => (tile < tallerCount ? taller : others)!;
}
