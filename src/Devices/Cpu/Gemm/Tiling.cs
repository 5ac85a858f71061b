using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Sizes of tiles for one vector width and element type. They never change a bit, only how fast it comes.</summary>
internal readonly record struct Tiling(DType DType, VectorWidth Width)
{
    /// <summary>Steps of k that a packed panel holds: a panel of four vectors and a strip of A stay in the second-level cache.</summary>
    public const int StepsMost = 512;

    // Each step of A in a line of its own: lines a power of two apart have few places in a cache, and the next tile wants them again.
    private const int StepsMostApart = 384;

    // A panel of two vectors is to stay in the first-level cache.
    private const int StepsMostNarrow = 384, StepsMostApartNarrow = 192;

    public int Lanes { get; } = (int)Width / DType.Size();

    /// <summary>Most vectors of a panel: with 32 registers four times six accumulators, with 16 two times six.</summary>
    public int VectorsMax { get; } = Width == VectorWidth.V512 ? 4 : 2;

    public int PanelColumns { get; } = (Width == VectorWidth.V512 ? 4 : 2) * ((int)Width / DType.Size());

    /// <summary>
    /// Steps without a branch. A step of few accumulators is few cycles, in which a core that two threads share has just decoded it: there the
    /// counting costs an eighth. JIT time is what it costs.
    /// </summary>
    public int StepsAtOnce => Width == VectorWidth.V512 ? 1 : 4;

    /// <summary>Of the largest tile: all accumulators.</summary>
    public int TileBytes => RowsMax(VectorsMax) * VectorsMax * (int)Width;

    /// <summary>The same for this A.</summary>
    public int StepsMax(Matrix a) => (Math.Abs(a.ColumnStride) * DType.Size() < Cache.LineBytes, IsNarrow) switch
    {
        (true, false) => StepsMost,
        (false, false) => StepsMostApart,
        (true, true) => StepsMostNarrow,
        (false, true) => StepsMostApartNarrow,
    };

    // Of a narrow panel a row of A makes too little while it is in the cache.
    public bool IsNarrow => Width != VectorWidth.V512;

    /// <summary>Panels that go over the same rows one after the other.</summary>
    public int PanelsMax => IsNarrow ? 16 : 1;

    /// <summary>Rows that stay in the second-level cache meanwhile.</summary>
    public int RowsAtOnce => IsNarrow ? 128 : int.MaxValue / 2;

    /// <summary>Rows that are packed at once; 0: none.</summary>
    public int RowsPacked => IsNarrow ? RowsAtOnce : 0;

    /// <summary>Vectors that so many columns take.</summary>
    public int AllVectors(long columns) => (int)((columns + Lanes - 1) / Lanes);

    /// <summary>Vectors that a panel of so many columns takes.</summary>
    public int Vectors(long columns) => AllVectors(Math.Min(columns, PanelColumns));

    /// <summary>Most rows of a tile that leave registers for B and one element of A.</summary>
    public int RowsMax(int vectors) => (Width == VectorWidth.V512, vectors) switch
    {
        (true, 1 or 2) => 12,
        (true, 3) => 8,
        (true, _) => 6,
        (false, 1) => 9,
        (false, _) => 6,
    };

    /// <summary>
    /// Rows of tile number <paramref name="tile"/> of <paramref name="tiles"/>: as even as can be, so that none is left with a
    /// handful of rows, which would not hide the latency of its multiply-adds.
    /// </summary>
    public static (int First, int Count) Rows(int rows, int tiles, int tile)
    {
        int each = rows / tiles, longer = rows % tiles;
        return (tile * each + Math.Min(tile, longer), each + (tile < longer ? 1 : 0));
    }

    /// <summary>
    /// Into how many panels at once and parts of the rows some products are cut, so that there are about as many parts as wanted: a part packs its
    /// rows for its panels, so of those there are to be a few.
    /// </summary>
    public (int PanelsAtOnce, int RowParts) Parts(long products, int panels, int rows, int wanted, int panelsMax)
    {
        const int few = 4, rowsMin = 12;
        int together = (int)Math.Clamp(products * panels / wanted, Math.Min(few, panelsMax), panelsMax);
        long groups = products * ((panels + together - 1) / together);
        return (together, groups >= wanted ? 1 : Math.Clamp(wanted / (int)groups, 1, Math.Max(1, rows / rowsMin)));
    }

    public int Tiles(int rows, int vectors) => (rows + RowsMax(vectors) - 1) / RowsMax(vectors);
}
