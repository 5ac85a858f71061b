using System.Reflection.Emit;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph.Lowering;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Tiles of one product: <see cref="TileMode"/> says what becomes of them.</summary>
internal sealed unsafe class MicroKernelEmitter : TileEmitter
{
    private const short Mode = 8;

    private static readonly Type[] Common =
        [typeof(byte*), typeof(nint), typeof(nint), typeof(byte*), typeof(byte*), typeof(nint), typeof(nint), typeof(TileMode)];

    private readonly int rows, vectors;
    private readonly bool isFar;

    public MicroKernelEmitter(Tiling tiling, int rows, int vectors, bool isFar, Placed placed, bool isWide = false)
        : base(Name(rows, vectors, isFar, placed, isWide), placed == Placed.Neither ? Common : [.. Common, typeof(nint*), typeof(nint*)], tiling, rows, vectors, placed, isWide ? Panels.Columns : vectors * tiling.Lanes) =>
        (this.rows, this.vectors, this.isFar) = (rows, vectors, isFar);

    private static string Name(int rows, int vectors, bool isFar, Placed placed, bool isWide) =>
        string.Join(" ", new[] { $"micro {rows}x{vectors}", placed == Placed.Neither ? "" : $"{placed} in places", isFar ? "far" : "", isWide ? "wide" : "" }.Where(part => part != ""));

    public T Compile<T>() where T : Delegate
    {
        var (fresh, ready, end, add) = (Il.DefineLabel(), Il.DefineLabel(), Il.DefineLabel(), Il.DefineLabel());
        Il.Emit(OpCodes.Ldarg, Mode);
        Il.Emit(OpCodes.Ldc_I4, (int)TileMode.Continue);
        Il.Emit(OpCodes.Bne_Un, fresh);
        ForTile(Argument.C, Argument.CRowBytes, i =>
        {
            Simd.Load(Il);
            Il.Emit(OpCodes.Stloc, Tile[i]);
        });
        Il.Emit(OpCodes.Br, ready);
        Il.MarkLabel(fresh);
        Clear();
        Il.MarkLabel(ready);
        Begin();
        Il.Emit(OpCodes.Ldarg, Argument.Steps);
        Il.Emit(OpCodes.Brfalse, end);
        var prefetch = !isFar ? null : TilePrefetch.Begin(Il, rows, Simd.Bytes / Simd.Lanes, vectors * Simd.Bytes, i => Row(Starts, i));
        Loop();
        prefetch?.End();

        Il.MarkLabel(end);
        Il.Emit(OpCodes.Ldarg, Mode);
        Il.Emit(OpCodes.Ldc_I4, (int)TileMode.Add);
        Il.Emit(OpCodes.Beq, add);
        ForTile(Argument.C, Argument.CRowBytes, i =>
        {
            Il.Emit(OpCodes.Ldloc, Tile[i]);
            Simd.Store(Il);
        });
        Il.Emit(OpCodes.Ret);
        Il.MarkLabel(add);
        ForTile(Argument.C, Argument.CRowBytes, i =>
        {
            Il.Emit(OpCodes.Dup);
            Simd.Load(Il);
            Il.Emit(OpCodes.Ldloc, Tile[i]);
            Simd.Add(Il);
            Simd.Store(Il);
        });
        Il.Emit(OpCodes.Ret);
        return Emitted.Delegate<T>(Method);
    }
}
