using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// BFloat16 in lanes: a value is a float whose lower half is zero. The same bits as <see cref="BFloat16"/> in every width.
/// </summary>
internal static unsafe class HalfLanes
{
    private const int Shift = 16;
    private const uint Upper = 0xFFFF_0000, BelowHalf = 0x7FFF, Quiet = 0x0040_0000;

    /// <summary>address → value.</summary>
    public static void Load(ILGenerator il, VectorWidth? width) => il.Emit(OpCodes.Call, (width switch
    {
        null => (Delegate)(Loading<float>)Load1,
        VectorWidth.V128 => (Loading<Vector128<float>>)Load128,
        VectorWidth.V256 => (Loading<Vector256<float>>)Load256,
        _ => (Loading<Vector512<float>>)Load512,
    }).Method);

    /// <summary>address, value → .</summary>
    public static void Store(ILGenerator il, VectorWidth? width) => il.Emit(OpCodes.Call, (width switch
    {
        null => (Delegate)(Storing<float>)Store1,
        VectorWidth.V128 => (Storing<Vector128<float>>)Store128,
        VectorWidth.V256 => (Storing<Vector256<float>>)Store256,
        _ => (Storing<Vector512<float>>)Store512,
    }).Method);

    /// <summary>float → the nearest value.</summary>
    public static void Round(ILGenerator il, VectorWidth? width) => il.Emit(OpCodes.Call, (width switch
    {
        null => (Delegate)(Func<float, float>)BFloat16.Round,
        VectorWidth.V128 => (Func<Vector128<float>, Vector128<float>>)Round,
        VectorWidth.V256 => (Func<Vector256<float>, Vector256<float>>)Round,
        _ => (Func<Vector512<float>, Vector512<float>>)Round,
    }).Method);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Round(Vector128<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = bits + Vector128.Create(BelowHalf) + (Vector128.ShiftRightLogical(bits, Shift) & Vector128<uint>.One);
        return (Vector128.ConditionalSelect(Vector128.IsNaN(value).AsUInt32(), bits | Vector128.Create(Quiet), rounded) & Vector128.Create(Upper)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = bits + Vector256.Create(BelowHalf) + (Vector256.ShiftRightLogical(bits, Shift) & Vector256<uint>.One);
        return (Vector256.ConditionalSelect(Vector256.IsNaN(value).AsUInt32(), bits | Vector256.Create(Quiet), rounded) & Vector256.Create(Upper)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = bits + Vector512.Create(BelowHalf) + (Vector512.ShiftRightLogical(bits, Shift) & Vector512<uint>.One);
        return (Vector512.ConditionalSelect(Vector512.IsNaN(value).AsUInt32(), bits | Vector512.Create(Quiet), rounded) & Vector512.Create(Upper)).AsSingle();
    }

    private static float Load1(ushort* from) => BFloat16.ToSingle(Unsafe.ReadUnaligned<ushort>(from));

    private static Vector128<float> Load128(ushort* from) =>
        Vector128.ShiftLeft(Vector128.WidenLower(Vector64.Load(from).ToVector128Unsafe()), Shift).AsSingle();

    private static Vector256<float> Load256(ushort* from) =>
        Vector256.ShiftLeft(Vector256.WidenLower(Vector128.Load(from).ToVector256Unsafe()), Shift).AsSingle();

    private static Vector512<float> Load512(ushort* from) =>
        Vector512.ShiftLeft(Vector512.WidenLower(Vector256.Load(from).ToVector512Unsafe()), Shift).AsSingle();

    private static void Store1(ushort* to, float value) => Unsafe.WriteUnaligned(to, (ushort)(BitConverter.SingleToUInt32Bits(value) >> Shift));

    private static void Store128(ushort* to, Vector128<float> value)
    {
        var upper = Vector128.ShiftRightLogical(value.AsUInt32(), Shift);
        Vector128.Narrow(upper, upper).GetLower().Store(to);
    }

    private static void Store256(ushort* to, Vector256<float> value)
    {
        var upper = Vector256.ShiftRightLogical(value.AsUInt32(), Shift);
        Vector256.Narrow(upper, upper).GetLower().Store(to);
    }

    private static void Store512(ushort* to, Vector512<float> value)
    {
        var upper = Vector512.ShiftRightLogical(value.AsUInt32(), Shift);
        Vector512.Narrow(upper, upper).GetLower().Store(to);
    }

    private delegate T Loading<T>(ushort* from);

    private delegate void Storing<T>(ushort* to, T value);
}
