using System.Reflection.Emit;
using Singa.Actors.Devices.Cpu.Emit;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Writes register-tiled products as IL: all accumulators stay in registers, each is one chain of fused multiply-adds in ascending k, so that
/// tiles of any size and vectors of any width give the same bits. What becomes of a tile is its heirs' business.
/// </summary>
internal abstract class TileEmitter
{
    // Two offsets from one base reach three rows without a multiplication; more bases than registers would spill.
    private const int RowsPerBase = 3;

    private readonly int rows, vectors, stepsAtOnce, stepOfB;
    private readonly Placed placed;
    private readonly LocalBuilder[] columns;
    private readonly LocalBuilder twice;

    /// <param name="types">Of the arguments, which begin with those that <see cref="Argument"/> names.</param>
    /// <param name="columnsOfB">From one step's vectors to the next ones'.</param>
    protected TileEmitter(string name, Type[] types, Tiling tiling, int rows, int vectors, Placed placed, int columnsOfB)
    {
        (this.rows, this.vectors, this.placed) = (rows, vectors, placed);
        stepsAtOnce = tiling.StepsAtOnce;
        Method = Emitted.Free(name, types);
        Il = Method.GetILGenerator();
        Simd = Simd.Of(tiling.DType, tiling.Width);
        stepOfB = columnsOfB * (Simd.Bytes / Simd.Lanes);
        Tile = Locals(rows * vectors, Simd.Value);
        Starts = Locals((rows + RowsPerBase - 1) / RowsPerBase, typeof(nint));
        columns = Locals(placed == Placed.B ? vectors : 0, typeof(nint));
        twice = Il.DeclareLocal(typeof(nint));
    }

    /// <summary>Numbers of the arguments: up to Steps those of all, behind them those of steps that are looked up.</summary>
    internal static class Argument
    {
        public const short A = 1, RowBytes = 2, StepBytes = 3, B = 4, C = 5, CRowBytes = 6, Steps = 7, Places = 9, Columns = 10;
    }

    protected DynamicMethod Method { get; }

    protected ILGenerator Il { get; }

    protected Simd Simd { get; }

    /// <summary>The accumulators, row by row.</summary>
    protected LocalBuilder[] Tile { get; }

    /// <summary>Where A's elements of the next step are, for every few rows.</summary>
    protected LocalBuilder[] Starts { get; }

    /// <summary>Before the first step.</summary>
    protected void Begin()
    {
        Bases();
        Columns();
    }

    protected void Clear()
    {
        foreach (var local in Tile)
        {
            Simd.Constant(Il, 0);
            Il.Emit(OpCodes.Stloc, local);
        }
    }

    /// <summary>Leaves the address of each vector of a tile on the stack for <paramref name="body"/>.</summary>
    /// <param name="first">The argument that says where the tile is; <paramref name="rowBytes"/>: the one that says how far apart its rows lie.</param>
    protected void ForTile(short first, short rowBytes, Action<int> body)
    {
        var row = Il.DeclareLocal(typeof(nint));
        Il.Emit(OpCodes.Ldarg, first);
        Il.Emit(OpCodes.Stloc, row);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < vectors; j++)
            {
                Il.Emit(OpCodes.Ldloc, row);
                Offset(j * Simd.Bytes);
                body(i * vectors + j);
            }

            Il.Emit(OpCodes.Ldloc, row);
            Il.Emit(OpCodes.Ldarg, rowBytes);
            Il.Emit(OpCodes.Add);
            Il.Emit(OpCodes.Stloc, row);
        }
    }

    /// <summary>As many steps as the argument says, which keeps its value.</summary>
    protected void Loop()
    {
        var left = Il.DeclareLocal(typeof(nint));
        Il.Emit(OpCodes.Ldarg, Argument.Steps);
        Il.Emit(OpCodes.Stloc, left);
        foreach (int together in stepsAtOnce > 1 ? [stepsAtOnce, 1] : (int[])[1])
        {
            var (again, end) = (Il.DefineLabel(), Il.DefineLabel());
            Il.Emit(OpCodes.Ldloc, left);
            Number(together);
            Il.Emit(OpCodes.Blt, end);
            Il.MarkLabel(again);
            for (int i = 0; i < together; i++)
                Step(i);
            if (placed != Placed.Neither)
                Advance(Argument.Places, together * IntPtr.Size);
            if (placed != Placed.B)
                Advance(Argument.B, together * stepOfB);
            Il.Emit(OpCodes.Ldloc, left);
            Offset(-together);
            Il.Emit(OpCodes.Stloc, left);
            Il.Emit(OpCodes.Ldloc, left);
            Number(together);
            Il.Emit(OpCodes.Bge, again);
            Il.MarkLabel(end);
        }
    }

    /// <summary>One k: the vectors of B once, each row's element of A in all lanes, one fused multiply-add each.</summary>
    /// <param name="number">Among those for which B and the places are advanced at once.</param>
    private void Step(int number)
    {
        var place = placed == Placed.Neither ? null : Place(number);
        var b = new LocalBuilder[vectors];
        for (int j = 0; j < vectors; j++)
        {
            b[j] = Il.DeclareLocal(Simd.Value);
            if (placed == Placed.B)
            {
                Sum(place!, columns[j]);
            }
            else
            {
                Il.Emit(OpCodes.Ldarg, Argument.B);
                Offset(number * stepOfB + j * Simd.Bytes);
            }

            Simd.Load(Il);
            Il.Emit(OpCodes.Stloc, b[j]);
        }

        var from = placed == Placed.A ? Displaced(place!) : Starts;
        var a = Il.DeclareLocal(Simd.Value);
        for (int i = 0; i < rows; i++)
        {
            Row(from, i);
            Il.Emit(OpCodes.Ldobj, Simd.Element);
            Simd.Broadcast(Il);
            Il.Emit(OpCodes.Stloc, a);
            for (int j = 0; j < vectors; j++)
            {
                Il.Emit(OpCodes.Ldloc, a);
                Il.Emit(OpCodes.Ldloc, b[j]);
                Il.Emit(OpCodes.Ldloc, Tile[i * vectors + j]);
                Simd.FusedMultiplyAdd(Il);
                Il.Emit(OpCodes.Stloc, Tile[i * vectors + j]);
            }
        }

        foreach (var pointer in placed == Placed.A ? [] : Starts)
        {
            Il.Emit(OpCodes.Ldloc, pointer);
            Il.Emit(OpCodes.Ldarg, Argument.StepBytes);
            Il.Emit(OpCodes.Add);
            Il.Emit(OpCodes.Stloc, pointer);
        }
    }

    /// <summary>One of the next places: of B its address, of A how far it is from each row's first element.</summary>
    private LocalBuilder Place(int number)
    {
        var place = Il.DeclareLocal(typeof(nint));
        Il.Emit(OpCodes.Ldarg, Argument.Places);
        Offset(number * IntPtr.Size);
        Il.Emit(OpCodes.Ldind_I);
        if (placed == Placed.B)
        {
            Il.Emit(OpCodes.Ldarg, Argument.B);
            Il.Emit(OpCodes.Add);
        }

        Il.Emit(OpCodes.Stloc, place);
        return place;
    }

    private LocalBuilder[] Displaced(LocalBuilder by)
    {
        var displaced = new LocalBuilder[Starts.Length];
        for (int i = 0; i < Starts.Length; i++)
        {
            displaced[i] = Il.DeclareLocal(typeof(nint));
            Sum(Starts[i], by);
            Il.Emit(OpCodes.Stloc, displaced[i]);
        }

        return displaced;
    }

    /// <summary>The address of A's element in a row of the tile.</summary>
    protected void Row(LocalBuilder[] from, int row)
    {
        Il.Emit(OpCodes.Ldloc, from[row / RowsPerBase]);
        if (row % RowsPerBase == 1)
            Il.Emit(OpCodes.Ldarg, Argument.RowBytes);
        else if (row % RowsPerBase == 2)
            Il.Emit(OpCodes.Ldloc, twice);
        if (row % RowsPerBase != 0)
            Il.Emit(OpCodes.Add);
    }

    private void Bases()
    {
        for (int i = 0; i < Starts.Length; i++)
        {
            if (i == 0)
            {
                Il.Emit(OpCodes.Ldarg, Argument.A);
            }
            else
            {
                Il.Emit(OpCodes.Ldloc, Starts[i - 1]);
                Times(Argument.RowBytes, RowsPerBase);
                Il.Emit(OpCodes.Add);
            }

            Il.Emit(OpCodes.Stloc, Starts[i]);
        }

        Times(Argument.RowBytes, 2);
        Il.Emit(OpCodes.Stloc, twice);
    }

    /// <summary>How far each of B's vectors is from its step's place.</summary>
    private void Columns()
    {
        for (int j = 0; j < columns.Length; j++)
        {
            Il.Emit(OpCodes.Ldarg, Argument.Columns);
            Offset(j * IntPtr.Size);
            Il.Emit(OpCodes.Ldind_I);
            Il.Emit(OpCodes.Stloc, columns[j]);
        }
    }

    private void Sum(LocalBuilder a, LocalBuilder b)
    {
        Il.Emit(OpCodes.Ldloc, a);
        Il.Emit(OpCodes.Ldloc, b);
        Il.Emit(OpCodes.Add);
    }

    protected void Times(short argument, int factor)
    {
        Il.Emit(OpCodes.Ldarg, argument);
        Number(factor);
        Il.Emit(OpCodes.Mul);
    }

    protected void Advance(short argument, int by)
    {
        Il.Emit(OpCodes.Ldarg, argument);
        Offset(by);
        Il.Emit(OpCodes.Starg, argument);
    }

    protected void Offset(int bytes)
    {
        if (bytes == 0)
            return;
        Number(bytes);
        Il.Emit(OpCodes.Add);
    }

    private void Number(int value)
    {
        Il.Emit(OpCodes.Ldc_I4, value);
        Il.Emit(OpCodes.Conv_I);
    }

    private LocalBuilder[] Locals(int count, Type type) => [.. Enumerable.Range(0, count).Select(_ => Il.DeclareLocal(type))];
}
