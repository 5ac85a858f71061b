using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;

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
/// after the other, or in the middle of rows of <see cref="Panels.Columns"/>; rows of C lie <c>cRowBytes</c> apart.
/// </summary>
internal unsafe delegate void MicroKernelDelegate(byte* a, nint rowBytes, nint stepBytes, byte* b, byte* c, nint cRowBytes, nint steps, TileMode mode);

/// <summary>
/// The same where the steps of one operand lie somewhere: <paramref name="places"/> has for each step how many bytes from that operand's first
/// element. Of B, whose vectors need not lie side by side either, <paramref name="columns"/> has how many bytes from the step's place each vector
/// is; of A the step bytes are not read. The other operand is as above.
/// </summary>
internal unsafe delegate void PlacedKernelDelegate(byte* a, nint rowBytes, nint stepBytes, byte* b, byte* c, nint cRowBytes, nint steps, TileMode mode, nint* places, nint* columns);

/// <summary>
/// Tiles summed over shards number <paramref name="first"/> up to <paramref name="end"/>, of a range that is counted from 0: shard s + 1 is in A
/// <paramref name="shardBytes"/> behind shard s, in B right behind it. Sums wait as <see cref="ShardTree"/> joins them, <paramref name="sumBytes"/>
/// from one to the next, as many as s has ones; <paramref name="top"/> is behind those of <paramref name="first"/>. Rows of a tile follow one another.
/// Where <paramref name="last"/> is no null, the last sum goes there instead, rows <paramref name="lastRowBytes"/> apart.
/// </summary>
internal unsafe delegate void TreeKernelDelegate(
    byte* a, nint rowBytes, nint stepBytes, byte* b, byte* top, nint sumBytes, nint steps, nint shardBytes, nint first, nint end, byte* last, nint lastRowBytes);

/// <summary>Which operand's steps are looked up.</summary>
internal enum Placed : byte
{
    Neither,
    A,
    B,
}

/// <summary>Micro-kernels, compiled when first wanted. Nothing here allocates once they exist.</summary>
internal static class MicroKernel
{
    private static readonly Table<MicroKernelDelegate> Plain = Unplaced(isWide: false), Wide = Unplaced(isWide: true);
    private static readonly Table<PlacedKernelDelegate> PlacedA = InPlaces(Placed.A), PlacedB = InPlaces(Placed.B);
    private static readonly Table<TreeKernelDelegate> Tree = new((tiling, rows, vectors, _) => new TreeKernelEmitter(tiling, rows, vectors).Compile());

    /// <summary>For all tiles that so many rows are cut into.</summary>
    /// <param name="isFar">Of A, whose steps lie side by side: what the next tile needs is fetched meanwhile.</param>
    /// <param name="isWide">Whether B's steps are rows of <see cref="Panels.Columns"/>.</param>
    public static TileRows<MicroKernelDelegate> Tiles(Tiling tiling, int rows, int vectors, bool isFar = false, bool isWide = false) =>
        (isWide ? Wide : Plain).Tiles(tiling, rows, tiling.Tiles(rows, vectors), vectors, isFar);

    /// <summary>The same for steps that are looked up, and a number of tiles.</summary>
    public static TileRows<PlacedKernelDelegate> Tiles(Tiling tiling, int rows, int count, int vectors, bool isFar, Placed placed) =>
        (placed == Placed.A ? PlacedA : PlacedB).Tiles(tiling, rows, count, vectors, isFar);

    /// <summary>The same for sums over shards.</summary>
    public static TileRows<TreeKernelDelegate> Trees(Tiling tiling, int rows, int vectors) => Tree.Tiles(tiling, rows, tiling.Tiles(rows, vectors), vectors, isFar: false);

    private static Table<MicroKernelDelegate> Unplaced(bool isWide) =>
        new((tiling, rows, vectors, isFar) => new MicroKernelEmitter(tiling, rows, vectors, isFar, Placed.Neither, isWide).Compile<MicroKernelDelegate>());

    private static Table<PlacedKernelDelegate> InPlaces(Placed placed) =>
        new((tiling, rows, vectors, isFar) => new MicroKernelEmitter(tiling, rows, vectors, isFar, placed).Compile<PlacedKernelDelegate>());

    private sealed class Table<T>(Func<Tiling, int, int, bool, T> compile)
        where T : Delegate
    {
        private const int Rows = 16, Vectors = 8, Widths = 4, Far = 2;

        private readonly Lazy<T>?[] kernels = new Lazy<T>?[2 * Rows * Vectors * Widths * Far];

        public TileRows<T> Tiles(Tiling tiling, int rows, int count, int vectors, bool isFar)
        {
            if (count == 0)
                return default;
            var (each, taller) = (rows / count, rows % count);
            var others = Get(tiling, each, vectors, isFar);
            return new(count, each, taller, others, taller == 0 ? others : Get(tiling, each + 1, vectors, isFar));
        }

        private T Get(Tiling tiling, int rows, int vectors, bool isFar)
        {
            int key = (((((isFar ? 1 : 0) * 2 + (tiling.DType == DType.Float64 ? 1 : 0)) * Widths + System.Numerics.BitOperations.Log2((uint)tiling.Width) - 4) * Vectors) + vectors) * Rows + rows;
            return (kernels[key] ?? Add(key, tiling, rows, vectors, isFar)).Value;
        }

        // Apart from the look-up: whatever holds a lambda's variables would be made at each call.
        private Lazy<T> Add(int key, Tiling tiling, int rows, int vectors, bool isFar) =>
            Interlocked.CompareExchange(ref kernels[key], new(() => compile(tiling, rows, vectors, isFar)), null) ?? kernels[key]!;
    }
}
