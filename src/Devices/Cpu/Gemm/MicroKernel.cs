using System.Reflection.Emit;
using Singa.Actors.Devices.Cpu.Emit;
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

/// <summary>
/// Register-tiled products, written as IL when first wanted: all accumulators stay in registers, each is one chain of fused
/// multiply-adds in ascending k, so that tiles of any size and vectors of any width give the same bits.
/// </summary>
internal static class MicroKernel
{
    // Two offsets from one base reach three rows without a multiplication; more bases than registers would spill.
    private const int RowsPerBase = 3;

    private const int FarKey = 1 << 12;

    /// <summary>Numbers of the delegate's arguments.</summary>
    internal static class Argument
    {
        public const short A = 1, RowBytes = 2, StepBytes = 3, B = 4, C = 5, CRowBytes = 6, Steps = 7, Mode = 8, Places = 9, Columns = 10;
    }

    private static readonly Lazy<MicroKernelDelegate>?[] Table = new Lazy<MicroKernelDelegate>?[2 * FarKey];
    private static readonly Lazy<PlacedKernelDelegate>?[] PlacedTable = new Lazy<PlacedKernelDelegate>?[(int)Placed.B * 2 * FarKey];

    /// <summary>Whether a matrix of so many bytes lies beyond the second-level cache.</summary>
    public static bool IsFar(long bytes) => bytes > 1 << 20;

    /// <summary>Allocates nothing once the kernel exists.</summary>
    /// <param name="isFar">Of A: what the next tile needs is fetched meanwhile.</param>
    public static MicroKernelDelegate Get(Tiling tiling, int rows, int vectors, bool isFar = false)
    {
        int key = Key(tiling, rows, vectors, isFar);
        return (Table[key] ?? Add(Table, key, () => Compile<MicroKernelDelegate>(tiling, rows, vectors, isFar, Placed.Neither))).Value;
    }

    /// <summary>The same for steps that are looked up.</summary>
    public static PlacedKernelDelegate Get(Tiling tiling, int rows, int vectors, bool isFar, Placed placed)
    {
        int key = (placed == Placed.A ? 0 : 2 * FarKey) + Key(tiling, rows, vectors, isFar);
        return (PlacedTable[key] ?? Add(PlacedTable, key, () => Compile<PlacedKernelDelegate>(tiling, rows, vectors, isFar, placed))).Value;
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
        (isFar ? FarKey : 0) | (rows << 8) | (vectors << 5) | ((int)tiling.DType << 3) | System.Numerics.BitOperations.Log2((uint)tiling.Width) - 4;

    private static Lazy<T> Add<T>(Lazy<T>?[] table, int key, Func<T> compile) => Interlocked.CompareExchange(ref table[key], new(compile), null) ?? table[key]!;

    private static unsafe T Compile<T>(Tiling tiling, int rows, int vectors, bool isFar, Placed placed) where T : Delegate
    {
        var (type, width) = (tiling.DType, tiling.Width);
        Type[] arguments = [typeof(byte*), typeof(nint), typeof(nint), typeof(byte*), typeof(byte*), typeof(nint), typeof(nint), typeof(TileMode)];
        var method = Emitted.Free($"micro {rows}x{vectors}{(placed == Placed.Neither ? "" : $" {placed} in places")}", placed == Placed.Neither ? arguments : [.. arguments, typeof(nint*), typeof(nint*)]);
        var il = method.GetILGenerator();
        var simd = Simd.Of(type, width);
        var tile = new LocalBuilder[rows * vectors];
        for (int i = 0; i < tile.Length; i++)
            tile[i] = il.DeclareLocal(simd.Value);

        var (fresh, ready, again, end, add, done) = (il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel());
        JumpUnless(il, TileMode.Continue, fresh);
        ForTile(il, rows, vectors, simd, (row, i) =>
        {
            simd.Load(il);
            il.Emit(OpCodes.Stloc, tile[i]);
        });
        il.Emit(OpCodes.Br, ready);
        il.MarkLabel(fresh);
        foreach (var local in tile)
        {
            simd.Constant(il, 0);
            il.Emit(OpCodes.Stloc, local);
        }

        il.MarkLabel(ready);
        var bases = Bases(il, rows);
        var twice = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg, Argument.RowBytes);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Shl);
        il.Emit(OpCodes.Stloc, twice);
        var columns = placed == Placed.B ? Columns(il, vectors) : null;
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Brfalse, end);
        var prefetch = !isFar ? null : TilePrefetch.Begin(il, rows, type.Size(), vectors * simd.Bytes, i => Row(il, bases, twice, i));
        il.MarkLabel(again);
        Step(il, simd, tile, rows, bases, twice, placed, columns);
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Starg, Argument.Steps);
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Brtrue, again);
        prefetch?.End();

        il.MarkLabel(end);
        il.Emit(OpCodes.Ldarg, Argument.Mode);
        il.Emit(OpCodes.Ldc_I4, (int)TileMode.Add);
        il.Emit(OpCodes.Beq, add);
        ForTile(il, rows, vectors, simd, (row, i) =>
        {
            il.Emit(OpCodes.Ldloc, tile[i]);
            simd.Store(il);
        });
        il.Emit(OpCodes.Ret);
        il.MarkLabel(add);
        ForTile(il, rows, vectors, simd, (row, i) =>
        {
            il.Emit(OpCodes.Dup);
            simd.Load(il);
            il.Emit(OpCodes.Ldloc, tile[i]);
            simd.Add(il);
            simd.Store(il);
        });
        il.MarkLabel(done);
        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<T>(method);
    }

    /// <summary>One k: the vectors of B once, each row's element of A in all lanes, one fused multiply-add each.</summary>
    private static void Step(ILGenerator il, Simd simd, LocalBuilder[] tile, int rows, LocalBuilder[] bases, LocalBuilder twice, Placed placed, LocalBuilder[]? columns)
    {
        int vectors = tile.Length / rows;
        var place = placed == Placed.Neither ? null : NextPlace(il, placed);
        var b = new LocalBuilder[vectors];
        for (int j = 0; j < vectors; j++)
        {
            b[j] = il.DeclareLocal(simd.Value);
            if (columns is null)
            {
                il.Emit(OpCodes.Ldarg, Argument.B);
                Offset(il, j * simd.Bytes);
            }
            else
            {
                il.Emit(OpCodes.Ldloc, place!);
                il.Emit(OpCodes.Ldloc, columns[j]);
                il.Emit(OpCodes.Add);
            }

            simd.Load(il);
            il.Emit(OpCodes.Stloc, b[j]);
        }

        var rowsFrom = placed == Placed.A ? Displaced(il, bases, place!) : bases;
        var a = il.DeclareLocal(simd.Value);
        for (int i = 0; i < rows; i++)
        {
            Row(il, rowsFrom, twice, i);
            il.Emit(OpCodes.Ldobj, simd.Element);
            simd.Broadcast(il);
            il.Emit(OpCodes.Stloc, a);
            for (int j = 0; j < vectors; j++)
            {
                il.Emit(OpCodes.Ldloc, a);
                il.Emit(OpCodes.Ldloc, b[j]);
                il.Emit(OpCodes.Ldloc, tile[i * vectors + j]);
                simd.FusedMultiplyAdd(il);
                il.Emit(OpCodes.Stloc, tile[i * vectors + j]);
            }
        }

        foreach (var pointer in placed == Placed.A ? [] : bases)
        {
            il.Emit(OpCodes.Ldloc, pointer);
            il.Emit(OpCodes.Ldarg, Argument.StepBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, pointer);
        }

        if (placed == Placed.B)
            return;
        il.Emit(OpCodes.Ldarg, Argument.B);
        Offset(il, vectors * simd.Bytes);
        il.Emit(OpCodes.Starg, Argument.B);
    }

    /// <summary>How far each of B's vectors is from its step's place.</summary>
    private static LocalBuilder[] Columns(ILGenerator il, int vectors)
    {
        var columns = new LocalBuilder[vectors];
        for (int j = 0; j < vectors; j++)
        {
            columns[j] = il.DeclareLocal(typeof(nint));
            il.Emit(OpCodes.Ldarg, Argument.Columns);
            Offset(il, j * IntPtr.Size);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Stloc, columns[j]);
        }

        return columns;
    }

    /// <summary>The next of the places: of B its address, of A how far it is from each row's first element.</summary>
    private static LocalBuilder NextPlace(ILGenerator il, Placed placed)
    {
        var place = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg, Argument.Places);
        il.Emit(OpCodes.Ldind_I);
        if (placed == Placed.B)
        {
            il.Emit(OpCodes.Ldarg, Argument.B);
            il.Emit(OpCodes.Add);
        }

        il.Emit(OpCodes.Stloc, place);
        il.Emit(OpCodes.Ldarg, Argument.Places);
        Offset(il, IntPtr.Size);
        il.Emit(OpCodes.Starg, Argument.Places);
        return place;
    }

    private static LocalBuilder[] Displaced(ILGenerator il, LocalBuilder[] bases, LocalBuilder by)
    {
        var displaced = new LocalBuilder[bases.Length];
        for (int i = 0; i < bases.Length; i++)
        {
            displaced[i] = il.DeclareLocal(typeof(byte*));
            il.Emit(OpCodes.Ldloc, bases[i]);
            il.Emit(OpCodes.Ldloc, by);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, displaced[i]);
        }

        return displaced;
    }

    /// <summary>The address of A's element in a row of the tile.</summary>
    private static void Row(ILGenerator il, LocalBuilder[] bases, LocalBuilder twice, int row)
    {
        il.Emit(OpCodes.Ldloc, bases[row / RowsPerBase]);
        if (row % RowsPerBase == 1)
            il.Emit(OpCodes.Ldarg, Argument.RowBytes);
        else if (row % RowsPerBase == 2)
            il.Emit(OpCodes.Ldloc, twice);
        if (row % RowsPerBase != 0)
            il.Emit(OpCodes.Add);
    }

    private static LocalBuilder[] Bases(ILGenerator il, int rows)
    {
        var bases = new LocalBuilder[(rows + RowsPerBase - 1) / RowsPerBase];
        for (int i = 0; i < bases.Length; i++)
        {
            bases[i] = il.DeclareLocal(typeof(byte*));
            if (i == 0)
            {
                il.Emit(OpCodes.Ldarg, Argument.A);
            }
            else
            {
                il.Emit(OpCodes.Ldloc, bases[i - 1]);
                il.Emit(OpCodes.Ldarg, Argument.RowBytes);
                il.Emit(OpCodes.Ldc_I4, RowsPerBase);
                il.Emit(OpCodes.Conv_I);
                il.Emit(OpCodes.Mul);
                il.Emit(OpCodes.Add);
            }

            il.Emit(OpCodes.Stloc, bases[i]);
        }

        return bases;
    }

    /// <summary>Leaves the address of each vector of the tile on the stack for <paramref name="body"/>.</summary>
    private static void ForTile(ILGenerator il, int rows, int vectors, Simd simd, Action<LocalBuilder, int> body)
    {
        var row = il.DeclareLocal(typeof(byte*));
        il.Emit(OpCodes.Ldarg, Argument.C);
        il.Emit(OpCodes.Stloc, row);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < vectors; j++)
            {
                il.Emit(OpCodes.Ldloc, row);
                Offset(il, j * simd.Bytes);
                body(row, i * vectors + j);
            }

            il.Emit(OpCodes.Ldloc, row);
            il.Emit(OpCodes.Ldarg, Argument.CRowBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, row);
        }
    }

    private static void JumpUnless(ILGenerator il, TileMode mode, Label target)
    {
        il.Emit(OpCodes.Ldarg, Argument.Mode);
        il.Emit(OpCodes.Ldc_I4, (int)mode);
        il.Emit(OpCodes.Bne_Un, target);
    }

    private static void Offset(ILGenerator il, int bytes)
    {
        if (bytes == 0)
            return;
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
    }
}
