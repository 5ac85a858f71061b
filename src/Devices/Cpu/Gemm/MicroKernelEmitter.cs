using System.Reflection.Emit;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Writes register-tiled products as IL: all accumulators stay in registers, each is one chain of fused multiply-adds in ascending k, so that
/// tiles of any size and vectors of any width give the same bits.
/// </summary>
internal sealed unsafe class MicroKernelEmitter
{
    // Two offsets from one base reach three rows without a multiplication; more bases than registers would spill.
    private const int RowsPerBase = 3;

    private static readonly Type[] Common =
        [typeof(byte*), typeof(nint), typeof(nint), typeof(byte*), typeof(byte*), typeof(nint), typeof(nint), typeof(TileMode)];

    private readonly DynamicMethod method;
    private readonly ILGenerator il;
    private readonly Simd simd;
    private readonly int rows, vectors;
    private readonly bool isFar;
    private readonly Placed placed;
    private readonly LocalBuilder[] tile, bases, columns;
    private readonly LocalBuilder twice;

    public MicroKernelEmitter(Tiling tiling, int rows, int vectors, bool isFar, Placed placed)
    {
        (this.rows, this.vectors, this.isFar, this.placed) = (rows, vectors, isFar, placed);
        string name = string.Join(" ", new[] { $"micro {rows}x{vectors}", placed == Placed.Neither ? "" : $"{placed} in places", isFar ? "far" : "" }.Where(part => part != ""));
        method = Emitted.Free(name, placed == Placed.Neither ? Common : [.. Common, typeof(nint*), typeof(nint*)]);
        il = method.GetILGenerator();
        simd = Simd.Of(tiling.DType, tiling.Width);
        LocalBuilder[] Locals(int count, Type type) => [.. Enumerable.Range(0, count).Select(_ => il.DeclareLocal(type))];
        tile = Locals(rows * vectors, simd.Value);
        bases = Locals((rows + RowsPerBase - 1) / RowsPerBase, typeof(nint));
        columns = Locals(placed == Placed.B ? vectors : 0, typeof(nint));
        twice = il.DeclareLocal(typeof(nint));
    }

    /// <summary>Numbers of the delegates' arguments.</summary>
    internal static class Argument
    {
        public const short A = 1, RowBytes = 2, StepBytes = 3, B = 4, C = 5, CRowBytes = 6, Steps = 7, Mode = 8, Places = 9, Columns = 10;
    }

    public T Compile<T>() where T : Delegate
    {
        var (fresh, ready, again, end, add) = (il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel());
        il.Emit(OpCodes.Ldarg, Argument.Mode);
        il.Emit(OpCodes.Ldc_I4, (int)TileMode.Continue);
        il.Emit(OpCodes.Bne_Un, fresh);
        ForTile(i =>
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
        Bases();
        Columns();
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Brfalse, end);
        var prefetch = !isFar ? null : TilePrefetch.Begin(il, rows, simd.Bytes / simd.Lanes, vectors * simd.Bytes, i => Row(bases, i));
        il.MarkLabel(again);
        Step();
        Advance(Argument.Steps, -1);
        il.Emit(OpCodes.Ldarg, Argument.Steps);
        il.Emit(OpCodes.Brtrue, again);
        prefetch?.End();

        il.MarkLabel(end);
        il.Emit(OpCodes.Ldarg, Argument.Mode);
        il.Emit(OpCodes.Ldc_I4, (int)TileMode.Add);
        il.Emit(OpCodes.Beq, add);
        ForTile(i =>
        {
            il.Emit(OpCodes.Ldloc, tile[i]);
            simd.Store(il);
        });
        il.Emit(OpCodes.Ret);
        il.MarkLabel(add);
        ForTile(i =>
        {
            il.Emit(OpCodes.Dup);
            simd.Load(il);
            il.Emit(OpCodes.Ldloc, tile[i]);
            simd.Add(il);
            simd.Store(il);
        });
        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<T>(method);
    }

    /// <summary>One k: the vectors of B once, each row's element of A in all lanes, one fused multiply-add each.</summary>
    private void Step()
    {
        var place = placed == Placed.Neither ? null : NextPlace();
        var b = new LocalBuilder[vectors];
        for (int j = 0; j < vectors; j++)
        {
            b[j] = il.DeclareLocal(simd.Value);
            if (placed == Placed.B)
            {
                Sum(place!, columns[j]);
            }
            else
            {
                il.Emit(OpCodes.Ldarg, Argument.B);
                Offset(j * simd.Bytes);
            }

            simd.Load(il);
            il.Emit(OpCodes.Stloc, b[j]);
        }

        var from = placed == Placed.A ? Displaced(place!) : bases;
        var a = il.DeclareLocal(simd.Value);
        for (int i = 0; i < rows; i++)
        {
            Row(from, i);
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

        if (placed != Placed.B)
            Advance(Argument.B, vectors * simd.Bytes);
    }

    /// <summary>The next of the places: of B its address, of A how far it is from each row's first element.</summary>
    private LocalBuilder NextPlace()
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
        Advance(Argument.Places, IntPtr.Size);
        return place;
    }

    private LocalBuilder[] Displaced(LocalBuilder by)
    {
        var displaced = new LocalBuilder[bases.Length];
        for (int i = 0; i < bases.Length; i++)
        {
            displaced[i] = il.DeclareLocal(typeof(nint));
            Sum(bases[i], by);
            il.Emit(OpCodes.Stloc, displaced[i]);
        }

        return displaced;
    }

    /// <summary>The address of A's element in a row of the tile.</summary>
    private void Row(LocalBuilder[] from, int row)
    {
        il.Emit(OpCodes.Ldloc, from[row / RowsPerBase]);
        if (row % RowsPerBase == 1)
            il.Emit(OpCodes.Ldarg, Argument.RowBytes);
        else if (row % RowsPerBase == 2)
            il.Emit(OpCodes.Ldloc, twice);
        if (row % RowsPerBase != 0)
            il.Emit(OpCodes.Add);
    }

    private void Bases()
    {
        for (int i = 0; i < bases.Length; i++)
        {
            if (i == 0)
            {
                il.Emit(OpCodes.Ldarg, Argument.A);
            }
            else
            {
                il.Emit(OpCodes.Ldloc, bases[i - 1]);
                Times(Argument.RowBytes, RowsPerBase);
                il.Emit(OpCodes.Add);
            }

            il.Emit(OpCodes.Stloc, bases[i]);
        }

        Times(Argument.RowBytes, 2);
        il.Emit(OpCodes.Stloc, twice);
    }

    /// <summary>How far each of B's vectors is from its step's place.</summary>
    private void Columns()
    {
        for (int j = 0; j < columns.Length; j++)
        {
            il.Emit(OpCodes.Ldarg, Argument.Columns);
            Offset(j * IntPtr.Size);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Stloc, columns[j]);
        }
    }

    /// <summary>Leaves the address of each vector of the tile on the stack for <paramref name="body"/>.</summary>
    private void ForTile(Action<int> body)
    {
        var row = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg, Argument.C);
        il.Emit(OpCodes.Stloc, row);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < vectors; j++)
            {
                il.Emit(OpCodes.Ldloc, row);
                Offset(j * simd.Bytes);
                body(i * vectors + j);
            }

            il.Emit(OpCodes.Ldloc, row);
            il.Emit(OpCodes.Ldarg, Argument.CRowBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, row);
        }
    }

    private void Sum(LocalBuilder a, LocalBuilder b)
    {
        il.Emit(OpCodes.Ldloc, a);
        il.Emit(OpCodes.Ldloc, b);
        il.Emit(OpCodes.Add);
    }

    private void Times(short argument, int factor)
    {
        il.Emit(OpCodes.Ldarg, argument);
        il.Emit(OpCodes.Ldc_I4, factor);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Mul);
    }

    private void Advance(short argument, int by)
    {
        il.Emit(OpCodes.Ldarg, argument);
        Offset(by);
        il.Emit(OpCodes.Starg, argument);
    }

    private void Offset(int bytes)
    {
        if (bytes == 0)
            return;
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
    }
}
