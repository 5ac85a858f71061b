using System.Reflection.Emit;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// While a tile is computed what the next one below it needs is fetched: rows of A and of C that lie far apart are no stream that a processor
/// finds by itself, and waiting for them costs a product beyond the caches some percent.
/// </summary>
internal sealed class TilePrefetch
{
    private readonly ILGenerator il;
    private readonly int rows, elementBytes, rowBytes;
    private readonly LocalBuilder left, ahead;
    private readonly Label some;

    private TilePrefetch(ILGenerator il, int rows, int elementBytes, int rowBytes)
    {
        (this.il, this.rows, this.elementBytes, this.rowBytes) = (il, rows, elementBytes, rowBytes);
        (left, ahead, some) = (il.DeclareLocal(typeof(nint)), il.DeclareLocal(typeof(nint)), il.DefineLabel());
    }

    /// <summary>Begins the loop over steps, of which the micro-kernel's argument counts as many from here as one line of A holds.</summary>
    /// <param name="row">Leaves the address of A's element in a row of the tile on the stack.</param>
    public static TilePrefetch Begin(ILGenerator il, int rows, int elementBytes, int rowBytes, Action<int> row)
    {
        var prefetch = new TilePrefetch(il, rows, elementBytes, rowBytes);
        prefetch.Results();
        prefetch.Rows(row);
        return prefetch;
    }

    /// <summary>The other end of the loop.</summary>
    public void End()
    {
        il.Emit(OpCodes.Ldloc, left);
        il.Emit(OpCodes.Brtrue, some);
    }

    private void Results()
    {
        il.Emit(OpCodes.Ldarg, TileEmitter.Argument.Steps);
        il.Emit(OpCodes.Stloc, left);
        TileBytes(TileEmitter.Argument.RowBytes);
        il.Emit(OpCodes.Stloc, ahead);
        var target = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg, TileEmitter.Argument.C);
        TileBytes(TileEmitter.Argument.CRowBytes);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, target);
        for (int i = 0; i < rows; i++)
        {
            for (int at = 0; at < rowBytes; at += Cache.LineBytes)
            {
                il.Emit(OpCodes.Ldloc, target);
                Number(at);
                il.Emit(OpCodes.Add);
                Cache.Fetch(il);
            }

            il.Emit(OpCodes.Ldloc, target);
            il.Emit(OpCodes.Ldarg, TileEmitter.Argument.CRowBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, target);
        }
    }

    private void Rows(Action<int> row)
    {
        var few = il.DefineLabel();
        il.MarkLabel(some);
        il.Emit(OpCodes.Ldloc, left);
        il.Emit(OpCodes.Starg, TileEmitter.Argument.Steps);
        il.Emit(OpCodes.Ldloc, left);
        Number(Cache.LineBytes / elementBytes);
        il.Emit(OpCodes.Ble, few);
        Number(Cache.LineBytes / elementBytes);
        il.Emit(OpCodes.Starg, TileEmitter.Argument.Steps);
        il.MarkLabel(few);
        il.Emit(OpCodes.Ldloc, left);
        il.Emit(OpCodes.Ldarg, TileEmitter.Argument.Steps);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Stloc, left);
        for (int i = 0; i < rows; i++)
        {
            row(i);
            il.Emit(OpCodes.Ldloc, ahead);
            il.Emit(OpCodes.Add);
            Cache.Fetch(il);
        }
    }

    /// <summary>As many bytes as all rows of the tile, each of so many as the argument says.</summary>
    private void TileBytes(short argument)
    {
        il.Emit(OpCodes.Ldarg, argument);
        Number(rows);
        il.Emit(OpCodes.Mul);
    }

    private void Number(int value)
    {
        il.Emit(OpCodes.Ldc_I4, value);
        il.Emit(OpCodes.Conv_I);
    }
}
