using System.Reflection.Emit;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// Loops of functions <c>void(void** pointers, long count, …)</c> that are written as IL. Their first parameter is an object that nobody reads:
/// a delegate without one would have to shift all arguments at each call.
/// </summary>
internal static unsafe class Emitted
{
    public const short Pointers = 1, Count = 2, First = 3;

    private static readonly object Nobody = new();

    /// <param name="parameters">Behind pointers and count, from argument <see cref="First"/> on.</param>
    public static DynamicMethod Method(string name, params Type[] parameters) => Free(name, [typeof(void**), typeof(long), .. parameters]);

    /// <summary>A method whose arguments are counted from 1.</summary>
    public static DynamicMethod Free(string name, params Type[] parameters) =>
        new(name, typeof(void), [typeof(object), .. parameters], typeof(Emitted).Module, skipVisibility: true) { InitLocals = false };

    public static T Delegate<T>(DynamicMethod method) where T : Delegate => method.CreateDelegate<T>(Nobody);

    public static void Constant(ILGenerator il, LocalBuilder local, long value)
    {
        il.Emit(OpCodes.Ldc_I8, value);
        il.Emit(OpCodes.Stloc, local);
    }

    /// <summary>Behind the address on the stack.</summary>
    public static void Offset(ILGenerator il, int bytes)
    {
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Add);
    }

    /// <summary>Back to <paramref name="again"/> while an argument, of 64 bits, has not come down to 0.</summary>
    public static void CountDown(ILGenerator il, short argument, Label again)
    {
        il.Emit(OpCodes.Ldarg, argument);
        il.Emit(OpCodes.Ldc_I8, 1L);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Dup);
        il.Emit(OpCodes.Starg, argument);
        il.Emit(OpCodes.Ldc_I8, 0L);
        il.Emit(OpCodes.Bgt, again);
    }

    /// <summary>From <paramref name="index"/>, which must have been set, on while a whole step fits.</summary>
    public static void While(ILGenerator il, LocalBuilder index, int step, Action body)
    {
        var (again, end) = (il.DefineLabel(), il.DefineLabel());
        var last = Last(il, step);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldloc, last);
        il.Emit(OpCodes.Bgt, end);
        il.MarkLabel(again);
        body();
        Advance(il, index, step);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldloc, last);
        il.Emit(OpCodes.Ble, again);
        il.MarkLabel(end);
    }

    /// <summary>
    /// Goes on from the row's index in steps of <paramref name="step"/> elements; an incomplete last step runs the same body once more on
    /// the stages, between <paramref name="redirect"/> and <paramref name="finish"/>. The index must have been set.
    /// </summary>
    public static void Blocks(ILGenerator il, RowEmitter row, int step, Action body, Action redirect, Action finish)
    {
        var (again, test, rest, end) = (il.DefineLabel(), il.DefineLabel(), il.DefineLabel(), il.DefineLabel());
        var last = Last(il, step);
        var finishing = il.DeclareLocal(typeof(int));
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Stloc, finishing);
        il.Emit(OpCodes.Br, test);

        il.MarkLabel(again);
        body();
        il.Emit(OpCodes.Ldloc, finishing);
        il.Emit(OpCodes.Brtrue, end);
        Advance(il, row.Index, step);
        il.MarkLabel(test);
        il.Emit(OpCodes.Ldloc, row.Index);
        il.Emit(OpCodes.Ldloc, last);
        il.Emit(OpCodes.Ble, again);

        // What is left: 0 up to step − 1 elements.
        var done = il.DefineLabel();
        il.Emit(OpCodes.Ldarg, Count);
        il.Emit(OpCodes.Ldloc, row.Index);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Stloc, row.Limit);
        il.Emit(OpCodes.Ldloc, row.Limit);
        il.Emit(OpCodes.Ldc_I8, 0L);
        il.Emit(OpCodes.Ble, done);
        row.RedirectSources();
        redirect();
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Stloc, finishing);
        il.Emit(OpCodes.Br, again);

        il.MarkLabel(end);
        finish();
        il.MarkLabel(done);
    }

    private static LocalBuilder Last(ILGenerator il, int step)
    {
        var last = il.DeclareLocal(typeof(long));
        il.Emit(OpCodes.Ldarg, Count);
        il.Emit(OpCodes.Ldc_I8, (long)step);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Stloc, last);
        return last;
    }

    private static void Advance(ILGenerator il, LocalBuilder index, int step)
    {
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldc_I8, (long)step);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, index);
    }
}
