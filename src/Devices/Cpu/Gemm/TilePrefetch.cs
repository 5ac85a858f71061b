using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// While a tile is computed what the next one below it needs is fetched: rows of A and of C that lie far apart are no stream that a processor
/// finds by itself, and waiting for them costs a product beyond the caches some percent.
/// </summary>
internal sealed class TilePrefetch
{
    private const int LineBytes = 64;

    private static readonly MethodInfo Fetch = typeof(Sse).GetMethod(nameof(Sse.Prefetch0))!;

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
    /// <returns>Null where the processor cannot be asked.</returns>
    public static TilePrefetch? Begin(ILGenerator il, int rows, int elementBytes, int rowBytes, Action<int> row)
    {
        if (!Sse.IsSupported)
            return null;
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
        il.Emit(OpCodes.Ldarg, MicroKernel.Argument.Steps);
        il.Emit(OpCodes.Stloc, left);
        TileBytes(MicroKernel.Argument.RowBytes);
        il.Emit(OpCodes.Stloc, ahead);
        var target = il.DeclareLocal(typeof(nint));
        il.Emit(OpCodes.Ldarg, MicroKernel.Argument.C);
        TileBytes(MicroKernel.Argument.CRowBytes);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, target);
        for (int i = 0; i < rows; i++)
        {
            for (int at = 0; at < rowBytes; at += LineBytes)
            {
                il.Emit(OpCodes.Ldloc, target);
                Number(at);
                il.Emit(OpCodes.Add);
                il.Emit(OpCodes.Call, Fetch);
            }

            il.Emit(OpCodes.Ldloc, target);
            il.Emit(OpCodes.Ldarg, MicroKernel.Argument.CRowBytes);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, target);
        }
    }

    private void Rows(Action<int> row)
    {
        var (few, skip) = (il.DefineLabel(), il.DefineLabel());
        il.MarkLabel(some);
        il.Emit(OpCodes.Ldloc, left);
        il.Emit(OpCodes.Starg, MicroKernel.Argument.Steps);
        il.Emit(OpCodes.Ldloc, left);
        Number(LineBytes / elementBytes);
        il.Emit(OpCodes.Ble, few);
        Number(LineBytes / elementBytes);
        il.Emit(OpCodes.Starg, MicroKernel.Argument.Steps);
        il.MarkLabel(few);
        il.Emit(OpCodes.Ldloc, left);
        il.Emit(OpCodes.Ldarg, MicroKernel.Argument.Steps);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Stloc, left);
        // Only where steps follow one another in a line.
        il.Emit(OpCodes.Ldarg, MicroKernel.Argument.StepBytes);
        Number(elementBytes);
        il.Emit(OpCodes.Bne_Un, skip);
        for (int i = 0; i < rows; i++)
        {
            row(i);
            il.Emit(OpCodes.Ldloc, ahead);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Call, Fetch);
        }

        il.MarkLabel(skip);
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
