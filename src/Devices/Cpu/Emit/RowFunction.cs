using System.Reflection.Emit;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>Works on <paramref name="count"/> elements of a row; <paramref name="pointers"/> are to the first of each source, then of each target.</summary>
public unsafe delegate void RowDelegate(void** pointers, long count);

/// <summary>
/// The same on <paramref name="rows"/> rows, one at least: each pointer is to the first row's element and moves <paramref name="steps"/> bytes from
/// row to row. The pointers are changed.
/// </summary>
public unsafe delegate void RowsDelegate(void** pointers, long count, nint* steps, long rows);

/// <summary>
/// A scalar program over one row. Strides, in elements, are baked in: 1 runs at full speed, 0 repeats, others go lane by lane.
/// </summary>
internal static class RowFunction
{
    // Beyond this a step of two vectors buys nothing: the processor overlaps the iterations by itself.
    private const int UnrollInstructions = 8;

    /// <param name="past">Results are not read soon: see <see cref="RowEmitter.IsPast"/>.</param>
    /// <param name="ahead">See <see cref="RowEmitter.Ahead"/>.</param>
    public static RowDelegate Compile(ScalarProgram program, long[] strides, VectorWidth widest, bool past, params long[] ahead)
    {
        var method = Emitted.Method("row");
        var il = method.GetILGenerator();
        var row = Emitter(il, program, strides, widest, past, ahead);
        row.Prologue();
        Row(il, row, program);
        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<RowDelegate>(method);
    }

    /// <summary>The same over several rows.</summary>
    public static RowsDelegate CompileRows(ScalarProgram program, long[] strides, VectorWidth widest)
    {
        const short steps = Emitted.First, rows = Emitted.First + 1;
        var method = Emitted.Method("rows", typeof(nint*), typeof(long));
        var il = method.GetILGenerator();
        var row = Emitter(il, program, strides, widest, past: false, []);
        row.Stages();
        var again = il.DefineLabel();
        il.MarkLabel(again);
        row.Begin();
        Row(il, row, program);
        row.Next(steps, operands: program.Arguments.Length + program.Results.Length);
        Emitted.CountDown(il, rows, again);
        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<RowsDelegate>(method);
    }

    private static RowEmitter Emitter(ILGenerator il, ScalarProgram program, long[] strides, VectorWidth widest, bool past, long[] ahead)
    {
        int laneSize = LaneProgram.LaneSize(program);
        VectorWidth? width = laneSize == 0 ? null : widest;
        return new RowEmitter(il, program, program.Results.Length, strides, width, laneSize, width is { } bytes ? (int)bytes / laneSize : 1) { IsPast = past && width is not null, Ahead = ahead };
    }

    private static void Row(ILGenerator il, RowEmitter row, ScalarProgram program)
    {
        Emitted.Constant(il, row.Index, 0);
        if (row.IsVector)
            Vectors(il, row, program.Instructions.Length <= UnrollInstructions && !row.IsStaged);
        else
            Single(il, row);
    }

    private static void Single(ILGenerator il, RowEmitter row) => Emitted.While(il, row.Index, step: 1, () => Block(row, 0));

    private static void Vectors(ILGenerator il, RowEmitter row, bool unroll)
    {
        Emitted.Constant(il, row.Limit, row.Lanes);
        if (unroll)
        {
            Emitted.While(il, row.Index, step: 2 * row.Lanes, () =>
            {
                Block(row, 0);
                Block(row, 1);
            });
        }

        Emitted.Blocks(il, row, row.Lanes, () => Block(row, 0), row.RedirectTargets, row.CopyTargetsBack);
    }

    private static void Block(RowEmitter row, int vector)
    {
        var results = row.Values(vector);
        foreach (var (target, value) in row.Targets.Zip(results))
            row.Store(target, value, vector);
    }
}
