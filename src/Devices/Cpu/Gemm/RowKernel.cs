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
/// One row times columns that lie side by side in memory. Each sum is one chain in ascending order, so lanes must be columns: squares of them
/// are turned in registers on their way to the multiply-adders and never written.
/// </summary>
internal static class RowKernel
{
    /// <summary>Several vectors of sums: while one chain waits for its multiply-adds the others go on.</summary>
    public const int Columns = 32;

    /// <summary>A line of each column.</summary>
    public const int Steps = 16;

    // The delegate's arguments.
    private const short Row = 1, ColumnsAt = 2, Sums = 3, Blocks = 4;

    private const byte Lower = 0x44, Upper = 0xEE, Even = 0x88, Odd = 0xDD;

    private static readonly Lazy<RowKernelDelegate> Wide = new(() => Compile(VectorWidth.V512)), Narrow = new(() => Compile(VectorWidth.V256));

    public static bool IsSupported(VectorWidth width) => width switch
    {
        VectorWidth.V512 => Avx512F.IsSupported,
        VectorWidth.V256 => Avx.IsSupported,
        _ => false,
    };

    public static RowKernelDelegate Get(VectorWidth width) => (width == VectorWidth.V512 ? Wide : Narrow).Value;

    private static unsafe RowKernelDelegate Compile(VectorWidth width)
    {
        var method = Emitted.Free("row times columns", typeof(float*), typeof(nint*), typeof(float*), typeof(nint));
        var il = method.GetILGenerator();
        var simd = Simd.Of(DType.Float32, width);
        LocalBuilder[] Locals(int count) => [.. Enumerable.Range(0, count).Select(_ => il.DeclareLocal(simd.Value))];
        LocalBuilder[] sums = Locals(Columns / simd.Lanes), a = Locals(Steps), b = Locals(Steps);
        var offset = il.DeclareLocal(typeof(nint));
        for (int i = 0; i < sums.Length; i++)
        {
            At(il, Sums, i * simd.Bytes);
            simd.Load(il);
            il.Emit(OpCodes.Stloc, sums[i]);
        }

        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Stloc, offset);
        Label again = il.DefineLabel(), end = il.DefineLabel();
        il.Emit(OpCodes.Ldarg, Blocks);
        il.Emit(OpCodes.Brfalse, end);
        il.MarkLabel(again);
        if (width == VectorWidth.V512)
            Squares(il, simd, sums, a, b, offset);
        else
            Halves(il, simd, sums, a, b, offset);
        Advance(il, Steps * sizeof(float), () => il.Emit(OpCodes.Ldarg, Row), () => il.Emit(OpCodes.Starg, Row));
        Advance(il, Steps * sizeof(float), () => il.Emit(OpCodes.Ldloc, offset), () => il.Emit(OpCodes.Stloc, offset));
        Advance(il, -1, () => il.Emit(OpCodes.Ldarg, Blocks), () => il.Emit(OpCodes.Starg, Blocks));
        il.Emit(OpCodes.Ldarg, Blocks);
        il.Emit(OpCodes.Brtrue, again);
        il.MarkLabel(end);
        for (int i = 0; i < sums.Length; i++)
        {
            At(il, Sums, i * simd.Bytes);
            il.Emit(OpCodes.Ldloc, sums[i]);
            simd.Store(il);
        }

        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<RowKernelDelegate>(method);
    }

    /// <summary>Squares of sixteen by sixteen.</summary>
    private static void Squares(ILGenerator il, Simd simd, LocalBuilder[] sums, LocalBuilder[] a, LocalBuilder[] b, LocalBuilder offset)
    {
        for (int square = 0; square < sums.Length; square++)
        {
            for (int i = 0; i < Steps; i++)
            {
                Element(il, square * Steps + i, offset, 0);
                simd.Load(il);
                il.Emit(OpCodes.Stloc, a[i]);
            }

            Turn(il, simd, a, b);
            Multiply(il, simd, b, sums[square]);
        }
    }

    /// <summary>
    /// Four elements of eight columns at a time: four columns in the lower halves of the vectors, four in the upper, so that nothing crosses from half to half.
    /// </summary>
    private static void Halves(ILGenerator il, Simd simd, LocalBuilder[] sums, LocalBuilder[] a, LocalBuilder[] b, LocalBuilder offset)
    {
        const int each = 4;
        for (int square = 0; square < sums.Length; square++)
        {
            for (int step = 0; step < Steps; step += each)
            {
                for (int i = 0; i < each; i++)
                {
                    for (int half = 0; half < 2; half++)
                    {
                        Element(il, square * simd.Lanes + half * each + i, offset, step * sizeof(float));
                        il.Emit(OpCodes.Call, typeof(Sse).GetMethod(nameof(Sse.LoadVector128), [typeof(float*)])!);
                        if (half == 0)
                            il.Emit(OpCodes.Call, typeof(Vector128).GetMethod(nameof(Vector128.ToVector256Unsafe))!.MakeGenericMethod(typeof(float)));
                    }

                    il.Emit(OpCodes.Ldc_I4_1);
                    il.Emit(OpCodes.Call, typeof(Avx).GetMethod(nameof(Avx.InsertVector128), [typeof(Vector256<float>), typeof(Vector128<float>), typeof(byte)])!);
                    il.Emit(OpCodes.Stloc, a[i]);
                }

                for (int i = 0; i < each; i += 2)
                {
                    Two(il, a[i], a[i + 1], b[i], () => Call(il, typeof(Avx), simd, nameof(Avx.UnpackLow)));
                    Two(il, a[i], a[i + 1], b[i + 1], () => Call(il, typeof(Avx), simd, nameof(Avx.UnpackHigh)));
                }

                for (int c = 0; c < each; c++)
                {
                    At(il, Row, (step + c) * sizeof(float));
                    il.Emit(OpCodes.Ldobj, simd.Element);
                    simd.Broadcast(il);
                    il.Emit(OpCodes.Ldloc, b[c / 2]);
                    il.Emit(OpCodes.Ldloc, b[c / 2 + 2]);
                    Call(il, typeof(Avx), simd, nameof(Avx.Shuffle), c % 2 == 0 ? Lower : Upper);
                    il.Emit(OpCodes.Ldloc, sums[square]);
                    simd.FusedMultiplyAdd(il);
                    il.Emit(OpCodes.Stloc, sums[square]);
                }
            }
        }
    }

    /// <summary>The address of a column's element, so many bytes behind the offset.</summary>
    private static void Element(ILGenerator il, int column, LocalBuilder offset, int bytes)
    {
        At(il, ColumnsAt, column * IntPtr.Size);
        il.Emit(OpCodes.Ldind_I);
        il.Emit(OpCodes.Ldloc, offset);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
    }

    /// <summary>All of turning but the last exchange of quarters: elements 4l + c of all columns are then in quarters l of <c>b[4c…]</c>.</summary>
    private static void Turn(ILGenerator il, Simd simd, LocalBuilder[] a, LocalBuilder[] b)
    {
        for (int i = 0; i < Steps; i += 2)
        {
            Two(il, a[i], a[i + 1], b[i], () => Call(il, typeof(Avx512F), simd, nameof(Avx512F.UnpackLow)));
            Two(il, a[i], a[i + 1], b[i + 1], () => Call(il, typeof(Avx512F), simd, nameof(Avx512F.UnpackHigh)));
        }

        for (int i = 0; i < Steps; i += 4)
        {
            for (int c = 0; c < 4; c++)
                Two(il, b[i + c / 2], b[i + c / 2 + 2], a[i + c], () => Call(il, typeof(Avx512F), simd, nameof(Avx512F.Shuffle), c % 2 == 0 ? Lower : Upper));
        }

        for (int c = 0; c < 4; c++)
        {
            for (int half = 0; half < 4; half++)
                Two(il, a[c + half / 2 * 8], a[c + half / 2 * 8 + 4], b[4 * c + half], () => Call(il, typeof(Avx512F), simd, nameof(Avx512F.Shuffle4x128), half % 2 == 0 ? Lower : Upper));
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
            Call(il, typeof(Avx512F), simd, nameof(Avx512F.Shuffle4x128), quarter % 2 == 0 ? Even : Odd);
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

    private static void Call(ILGenerator il, Type set, Simd simd, string method) => il.Emit(OpCodes.Call, set.GetMethod(method, [simd.Value, simd.Value])!);

    private static void Call(ILGenerator il, Type set, Simd simd, string method, byte control)
    {
        il.Emit(OpCodes.Ldc_I4, (int)control);
        il.Emit(OpCodes.Call, set.GetMethod(method, [simd.Value, simd.Value, typeof(byte)])!);
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
