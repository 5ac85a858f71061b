using System.Reflection.Emit;
using Singa.Actors.Devices.Cpu.Emit;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Tiles summed over shards along their tree, as a binary counter counts: sum number s is carried into as many waiting sums as s ends in ones,
/// and then waits itself. A sum is in registers from its first step until it waits.
/// </summary>
internal sealed unsafe class TreeKernelEmitter(Tiling tiling, int rows, int vectors) : TileEmitter($"tree {rows}x{vectors}", Types, tiling, rows, vectors, Placed.Neither, vectors * tiling.Lanes)
{
    // Beside those of every tile; C is the next to wait.
    private const short SumBytes = Argument.CRowBytes, ShardBytes = 8, First = 9, End = 10, Last = 11, LastRowBytes = 12;

    private static readonly Type[] Types =
        [typeof(byte*), typeof(nint), typeof(nint), typeof(byte*), typeof(byte*), typeof(nint), typeof(nint), typeof(nint), typeof(nint), typeof(nint), typeof(byte*), typeof(nint)];

    public TreeKernelDelegate Compile()
    {
        LocalBuilder ones = Il.DeclareLocal(typeof(nint)), toNext = Il.DeclareLocal(typeof(nint));
        Label shard = Il.DefineLabel(), carry = Il.DefineLabel(), wait = Il.DefineLabel(), end = Il.DefineLabel(), waits = Il.DefineLabel();
        // From behind one shard's last step to the next one's first.
        Il.Emit(OpCodes.Ldarg, ShardBytes);
        Il.Emit(OpCodes.Ldarg, Argument.Steps);
        Il.Emit(OpCodes.Ldarg, Argument.StepBytes);
        Il.Emit(OpCodes.Mul);
        Il.Emit(OpCodes.Sub);
        Il.Emit(OpCodes.Stloc, toNext);
        Begin();

        Il.MarkLabel(shard);
        Clear();
        Il.Emit(OpCodes.Ldarg, First);
        Il.Emit(OpCodes.Stloc, ones);
        Loop();

        Il.MarkLabel(carry);
        Il.Emit(OpCodes.Ldloc, ones);
        Il.Emit(OpCodes.Ldc_I4_1);
        Il.Emit(OpCodes.Conv_I);
        Il.Emit(OpCodes.And);
        Il.Emit(OpCodes.Brfalse, wait);
        Top(OpCodes.Sub);
        for (int i = 0; i < Tile.Length; i++)
        {
            At(i);
            Simd.Load(Il);
            Il.Emit(OpCodes.Ldloc, Tile[i]);
            Simd.Add(Il);
            Il.Emit(OpCodes.Stloc, Tile[i]);
        }

        Il.Emit(OpCodes.Ldloc, ones);
        Il.Emit(OpCodes.Ldc_I4_1);
        Il.Emit(OpCodes.Shr);
        Il.Emit(OpCodes.Stloc, ones);
        Il.Emit(OpCodes.Br, carry);

        Il.MarkLabel(wait);
        Il.Emit(OpCodes.Ldarg, Last);
        Il.Emit(OpCodes.Brfalse, waits);
        Il.Emit(OpCodes.Ldarg, First);
        Offset(1);
        Il.Emit(OpCodes.Ldarg, End);
        Il.Emit(OpCodes.Bne_Un, waits);
        ForTile(Last, LastRowBytes, i =>
        {
            Il.Emit(OpCodes.Ldloc, Tile[i]);
            Simd.Store(Il);
        });
        Il.Emit(OpCodes.Ret);

        Il.MarkLabel(waits);
        for (int i = 0; i < Tile.Length; i++)
        {
            At(i);
            Il.Emit(OpCodes.Ldloc, Tile[i]);
            Simd.Store(Il);
        }

        Top(OpCodes.Add);
        Advance(First, 1);
        Il.Emit(OpCodes.Ldarg, First);
        Il.Emit(OpCodes.Ldarg, End);
        Il.Emit(OpCodes.Beq, end);
        foreach (var start in Starts)
        {
            Il.Emit(OpCodes.Ldloc, start);
            Il.Emit(OpCodes.Ldloc, toNext);
            Il.Emit(OpCodes.Add);
            Il.Emit(OpCodes.Stloc, start);
        }

        Il.Emit(OpCodes.Br, shard);
        Il.MarkLabel(end);
        Il.Emit(OpCodes.Ret);
        return Emitted.Delegate<TreeKernelDelegate>(Method);
    }

    private void At(int vector)
    {
        Il.Emit(OpCodes.Ldarg, Argument.C);
        Offset(vector * Simd.Bytes);
    }

    private void Top(OpCode by)
    {
        Il.Emit(OpCodes.Ldarg, Argument.C);
        Il.Emit(OpCodes.Ldarg, SumBytes);
        Il.Emit(by);
        Il.Emit(OpCodes.Starg, Argument.C);
    }
}
