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
        public const short A = 1, RowBytes = 2, StepBytes = 3, B = 4, C = 5, CRowBytes = 6, Steps = 7, Mode = 8;
    }

    private static readonly Lazy<MicroKernelDelegate>?[] Table = new Lazy<MicroKernelDelegate>?[2 * FarKey];

    /// <summary>Whether a matrix of so many bytes lies beyond the second-level cache.</summary>
    public static bool IsFar(long bytes) => bytes > 1 << 20;

    /// <summary>Allocates nothing once the kernel exists.</summary>
    /// <param name="isFar">Of A: what the next tile needs is fetched meanwhile.</param>
    public static MicroKernelDelegate Get(Tiling tiling, int rows, int vectors, bool isFar = false)
    {
        int key = (isFar ? FarKey : 0) | (rows << 8) | (vectors << 5) | ((int)tiling.DType << 3) | System.Numerics.BitOperations.Log2((uint)tiling.Width) - 4;
        return (Table[key] ?? Add(key, tiling, rows, vectors, isFar)).Value;
    }

    private static Lazy<MicroKernelDelegate> Add(int key, Tiling tiling, int rows, int vectors, bool isFar) =>
        Interlocked.CompareExchange(ref Table[key], new(() => Compile(tiling.DType, tiling.Width, rows, vectors, isFar)), null) ?? Table[key]!;

    private static unsafe MicroKernelDelegate Compile(DType type, VectorWidth width, int rows, int vectors, bool isFar)
    {
        var method = Emitted.Free($"micro {rows}x{vectors}",
            typeof(byte*), typeof(nint), typeof(nint), typeof(byte*), typeof(byte*), typeof(nint), typeof(nint), typeof(TileMode));
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
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Brfalse, end);
        var prefetch = !isFar ? null : TilePrefetch.Begin(il, rows, type.Size(), vectors * simd.Bytes, i => Row(il, bases, twice, i));
        il.MarkLabel(again);
        Step(il, simd, tile, rows, vectors, bases, twice);
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
        return Emitted.Delegate<MicroKernelDelegate>(method);
    }

    /// <summary>One k: the vectors of B once, each row's element of A in all lanes, one fused multiply-add each.</summary>
    private static void Step(ILGenerator il, Simd simd, LocalBuilder[] tile, int rows, int vectors, LocalBuilder[] bases, LocalBuilder twice)
    {
        var b = new LocalBuilder[vectors];
        for (int j = 0; j < vectors; j++)
        {
            b[j] = il.DeclareLocal(simd.Value);
            il.Emit(OpCodes.Ldarg, Argument.B);
            Offset(il, j * simd.Bytes);
            simd.Load(il);
            il.Emit(OpCodes.Stloc, b[j]);
        }

        var a = il.DeclareLocal(simd.Value);
        for (int i = 0; i < rows; i++)
        {
            Row(il, bases, twice, i);
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

        foreach (var pointer in bases)
        {
            il.Emit(OpCodes.Ldloc, pointer);
            il.Emit(OpCodes.Ldarg, Argument.StepBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, pointer);
        }

        il.Emit(OpCodes.Ldarg, Argument.B);
        Offset(il, vectors * simd.Bytes);
        il.Emit(OpCodes.Starg, Argument.B);
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
