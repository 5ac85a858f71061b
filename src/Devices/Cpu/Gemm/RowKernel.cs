using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Goes on with the sums of <see cref="RowKernel.Columns"/> columns: <paramref name="blocks"/> times <see cref="RowKernel.Steps"/> elements of
/// the row and of each column, whose elements lie side by side.
/// </summary>
internal unsafe delegate void RowKernelDelegate(float* row, nint* columns, float* sums, nint blocks);

/// <summary>
/// One row times columns that lie side by side in memory. Each sum is one chain in ascending order, so lanes must be columns: squares of sixteen
/// by sixteen are turned in registers on their way to the multiply-adders and never written.
/// </summary>
internal static class RowKernel
{
    /// <summary>Two squares: while one chain waits for its multiply-adds the other goes on.</summary>
    public const int Columns = 2 * Steps;

    public const int Steps = 16;

    // The delegate's arguments.
    private const short Row = 1, ColumnsAt = 2, Sums = 3, Blocks = 4;

    private const byte Lower = 0x44, Upper = 0xEE, Even = 0x88, Odd = 0xDD;

    private static readonly Lazy<RowKernelDelegate> Compiled = new(Compile);

    public static bool IsSupported => Avx512F.IsSupported;

    public static RowKernelDelegate Get() => Compiled.Value;

    private static unsafe RowKernelDelegate Compile()
    {
        var method = Emitted.Free("row times columns", typeof(float*), typeof(nint*), typeof(float*), typeof(nint));
        var il = method.GetILGenerator();
        var simd = Simd.Of(DType.Float32, VectorWidth.V512);
        LocalBuilder[] Locals(int count) => [.. Enumerable.Range(0, count).Select(_ => il.DeclareLocal(simd.Value))];
        LocalBuilder[] sums = Locals(Columns / Steps), a = Locals(Steps), b = Locals(Steps);
        var offset = il.DeclareLocal(typeof(nint));
        for (int square = 0; square < sums.Length; square++)
        {
            At(il, Sums, square * simd.Bytes);
            simd.Load(il);
            il.Emit(OpCodes.Stloc, sums[square]);
        }

        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Stloc, offset);
        Label again = il.DefineLabel(), end = il.DefineLabel();
        il.Emit(OpCodes.Ldarg, Blocks);
        il.Emit(OpCodes.Brfalse, end);
        il.MarkLabel(again);
        for (int square = 0; square < sums.Length; square++)
        {
            for (int i = 0; i < Steps; i++)
            {
                At(il, ColumnsAt, (square * Steps + i) * sizeof(nint));
                il.Emit(OpCodes.Ldind_I);
                il.Emit(OpCodes.Ldloc, offset);
                il.Emit(OpCodes.Add);
                simd.Load(il);
                il.Emit(OpCodes.Stloc, a[i]);
            }

            Turn(il, a, b);
            Multiply(il, simd, b, sums[square]);
        }

        Advance(il, simd.Bytes, () => il.Emit(OpCodes.Ldarg, Row), () => il.Emit(OpCodes.Starg, Row));
        Advance(il, simd.Bytes, () => il.Emit(OpCodes.Ldloc, offset), () => il.Emit(OpCodes.Stloc, offset));
        Advance(il, -1, () => il.Emit(OpCodes.Ldarg, Blocks), () => il.Emit(OpCodes.Starg, Blocks));
        il.Emit(OpCodes.Ldarg, Blocks);
        il.Emit(OpCodes.Brtrue, again);
        il.MarkLabel(end);
        for (int square = 0; square < sums.Length; square++)
        {
            At(il, Sums, square * simd.Bytes);
            il.Emit(OpCodes.Ldloc, sums[square]);
            simd.Store(il);
        }

        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<RowKernelDelegate>(method);
    }

    /// <summary>All of turning but the last exchange of quarters: elements 4l + c of all columns are then in quarters l of <c>b[4c…]</c>.</summary>
    private static void Turn(ILGenerator il, LocalBuilder[] a, LocalBuilder[] b)
    {
        for (int i = 0; i < Steps; i += 2)
        {
            Two(il, a[i], a[i + 1], b[i], () => Call(il, nameof(Avx512F.UnpackLow)));
            Two(il, a[i], a[i + 1], b[i + 1], () => Call(il, nameof(Avx512F.UnpackHigh)));
        }

        for (int i = 0; i < Steps; i += 4)
        {
            for (int c = 0; c < 4; c++)
                Two(il, b[i + c / 2], b[i + c / 2 + 2], a[i + c], () => Call(il, nameof(Avx512F.Shuffle), c % 2 == 0 ? Lower : Upper));
        }

        for (int c = 0; c < 4; c++)
        {
            for (int half = 0; half < 4; half++)
                Two(il, a[c + half / 2 * 8], a[c + half / 2 * 8 + 4], b[4 * c + half], () => Call(il, nameof(Avx512F.Shuffle4x128), half % 2 == 0 ? Lower : Upper));
        }
    }

    private static void Multiply(ILGenerator il, Simd simd, LocalBuilder[] turned, LocalBuilder sum)
    {
        for (int step = 0; step < Steps; step++)
        {
            var (quarter, c) = (step / 4, step % 4);
            At(il, Row, step * sizeof(float));
            il.Emit(OpCodes.Ldobj, simd.Element);
            simd.Broadcast(il);
            il.Emit(OpCodes.Ldloc, turned[4 * c + quarter / 2]);
            il.Emit(OpCodes.Ldloc, turned[4 * c + quarter / 2 + 2]);
            Call(il, nameof(Avx512F.Shuffle4x128), quarter % 2 == 0 ? Even : Odd);
            il.Emit(OpCodes.Ldloc, sum);
            simd.FusedMultiplyAdd(il);
            il.Emit(OpCodes.Stloc, sum);
        }
    }

    private static void Two(ILGenerator il, LocalBuilder first, LocalBuilder second, LocalBuilder result, Action operation)
    {
        il.Emit(OpCodes.Ldloc, first);
        il.Emit(OpCodes.Ldloc, second);
        operation();
        il.Emit(OpCodes.Stloc, result);
    }

    private static void Call(ILGenerator il, string method) =>
        il.Emit(OpCodes.Call, typeof(Avx512F).GetMethod(method, [typeof(Vector512<float>), typeof(Vector512<float>)])!);

    private static void Call(ILGenerator il, string method, byte control)
    {
        il.Emit(OpCodes.Ldc_I4, (int)control);
        il.Emit(OpCodes.Call, typeof(Avx512F).GetMethod(method, [typeof(Vector512<float>), typeof(Vector512<float>), typeof(byte)])!);
    }

    private static void At(ILGenerator il, short pointer, int bytes)
    {
        il.Emit(OpCodes.Ldarg, pointer);
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
    }

    private static void Advance(ILGenerator il, int by, Action load, Action store)
    {
        load();
        il.Emit(OpCodes.Ldc_I4, by);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
        store();
    }
}
