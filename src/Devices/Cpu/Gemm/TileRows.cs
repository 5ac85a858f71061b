namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Rows cut into tiles as even as can be: the first ones are one row taller than the others. Two micro-kernels serve them all, so nothing is
/// looked up or divided for a tile.
/// </summary>
internal readonly struct TileRows<T>
    where T : Delegate
{
    private readonly T? taller, others;
    private readonly int rows, tallerCount;

    /// <param name="others">For the lower ones of these rows.</param>
    /// <param name="taller">For one row more.</param>
    public TileRows(int count, int rows, int tallerCount, T others, T taller) => (Count, this.rows, this.tallerCount, this.others, this.taller) = (count, rows, tallerCount, others, taller);

    public int Count { get; }

    public int Rows(int tile) => tile < tallerCount ? rows + 1 : rows;

    /// <summary>Rows before a tile.</summary>
    public int First(int tile) => tile * rows + Math.Min(tile, tallerCount);

    public T Kernel(int tile) => (tile < tallerCount ? taller : others)!;
}
