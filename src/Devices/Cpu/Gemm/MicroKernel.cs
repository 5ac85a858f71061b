using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>What a micro-kernel does with the tile of C it computes.</summary>
internal enum TileMode
{
    /// <summary>A fresh chain; C becomes it.</summary>
    Store,

    /// <summary>The chain that C holds goes on.</summary>
    Continue,

    /// <summary>A fresh chain, added to C when it ends.</summary>
    Add,
}

/// <summary>
/// A tile of C from k steps: A is read in place, element (i, k) at <c>a + i·rowBytes + k·stepBytes</c>; B is packed, one step's vectors
/// after the other; rows of C lie <c>cRowBytes</c> apart.
/// </summary>
internal unsafe delegate void MicroKernelDelegate(byte* a, nint rowBytes, nint stepBytes, byte* b, byte* c, nint cRowBytes, nint steps, TileMode mode);

/// <summary>
/// The same where the steps of one operand lie somewhere: <paramref name="places"/> has for each step how many bytes from that operand's first
/// element. Of B, whose vectors need not lie side by side either, <paramref name="columns"/> has how many bytes from the step's place each vector
/// is; of A the step bytes are not read. The other operand is as above.
/// </summary>
internal unsafe delegate void PlacedKernelDelegate(byte* a, nint rowBytes, nint stepBytes, byte* b, byte* c, nint cRowBytes, nint steps, TileMode mode, nint* places, nint* columns);

/// <summary>Which operand's steps are looked up.</summary>
internal enum Placed : byte
{
    Neither,
    A,
    B,
}

/// <summary>Micro-kernels, compiled when first wanted (<see cref="MicroKernelEmitter"/>). Nothing here allocates once they exist.</summary>
internal static class MicroKernel
{
    private const int Rows = 16, Vectors = 8, Widths = 4, Far = 2;

    private static readonly Lazy<MicroKernelDelegate>?[] Table = new Lazy<MicroKernelDelegate>?[2 * Rows * Vectors * Widths * Far];
    private static readonly Lazy<PlacedKernelDelegate>?[] PlacedTable = new Lazy<PlacedKernelDelegate>?[2 * Table.Length];

    /// <param name="isFar">Of A, whose steps lie side by side: what the next tile needs is fetched meanwhile.</param>
    public static MicroKernelDelegate Get(Tiling tiling, int rows, int vectors, bool isFar = false)
    {
        int key = Key(tiling, rows, vectors, isFar);
        return (Table[key] ?? Add(key, tiling, rows, vectors, isFar)).Value;
    }

    /// <summary>The same for steps that are looked up.</summary>
    private static PlacedKernelDelegate Get(Tiling tiling, int rows, int vectors, bool isFar, Placed placed)
    {
        int key = (placed == Placed.A ? 0 : Table.Length) + Key(tiling, rows, vectors, isFar);
        return (PlacedTable[key] ?? Add(key, tiling, rows, vectors, isFar, placed)).Value;
    }

    /// <summary>For all tiles that so many rows are cut into.</summary>
    public static TileRows<MicroKernelDelegate> Tiles(Tiling tiling, int rows, int vectors, bool isFar = false)
    {
        int count = tiling.Tiles(rows, vectors);
        if (count == 0)
            return default;
        var (each, taller) = (rows / count, rows % count);
        var others = Get(tiling, each, vectors, isFar);
        return new(count, each, taller, others, taller == 0 ? others : Get(tiling, each + 1, vectors, isFar));
    }

    /// <summary>The same for steps that are looked up, and a number of tiles.</summary>
    public static TileRows<PlacedKernelDelegate> Tiles(Tiling tiling, int rows, int count, int vectors, bool isFar, Placed placed)
    {
        if (count == 0)
            return default;
        var (each, taller) = (rows / count, rows % count);
        var others = Get(tiling, each, vectors, isFar, placed);
        return new(count, each, taller, others, taller == 0 ? others : Get(tiling, each + 1, vectors, isFar, placed));
    }

    private static int Key(Tiling tiling, int rows, int vectors, bool isFar) =>
        (((((isFar ? 1 : 0) * 2 + (tiling.DType == DType.Float64 ? 1 : 0)) * Widths + System.Numerics.BitOperations.Log2((uint)tiling.Width) - 4) * Vectors) + vectors) * Rows + rows;

    // Apart from the look-up: whatever holds a lambda's variables would be made at each call.
    private static Lazy<MicroKernelDelegate> Add(int key, Tiling tiling, int rows, int vectors, bool isFar) =>
        Interlocked.CompareExchange(ref Table[key], new(() => new MicroKernelEmitter(tiling, rows, vectors, isFar, Placed.Neither).Compile<MicroKernelDelegate>()), null) ?? Table[key]!;

    private static Lazy<PlacedKernelDelegate> Add(int key, Tiling tiling, int rows, int vectors, bool isFar, Placed placed) =>
        Interlocked.CompareExchange(ref PlacedTable[key], new(() => new MicroKernelEmitter(tiling, rows, vectors, isFar, placed).Compile<PlacedKernelDelegate>()), null) ?? PlacedTable[key]!;
}
