using System.Numerics;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;

namespace Singa.Actors.Collective;

/// <summary>Sums of rows, element by element: the one place where gradients of different shards are added.</summary>
internal static unsafe class RowMath
{
    /// <summary><paramref name="sum"/> = <paramref name="left"/> + <paramref name="right"/>; the sum may be either.</summary>
    public static void Add(nint sum, nint left, nint right, int bytes, DType type)
    {
        switch (type)
        {
            case DType.Float32:
                Add<float>(sum, left, right, bytes);
                break;
            case DType.Float64:
                Add<double>(sum, left, right, bytes);
                break;
            case DType.Int32:
                Add<int>(sum, left, right, bytes);
                break;
            case DType.Int64:
                Add<long>(sum, left, right, bytes);
                break;
            case DType.BFloat16:
                AddHalves(sum, left, right, bytes);
                break;
            default:
                throw new InvalidOperationException($"a bucket of {type} cannot be summed");
        }
    }

    private static void Add<T>(nint sum, nint left, nint right, int bytes)
        where T : unmanaged, IAdditionOperators<T, T, T>
    {
        Span<T> s = At<T>(sum, bytes), l = At<T>(left, bytes), r = At<T>(right, bytes);
        var ws = MemoryMarshal.Cast<T, Vector<T>>(s);
        var wl = MemoryMarshal.Cast<T, Vector<T>>(l);
        var wr = MemoryMarshal.Cast<T, Vector<T>>(r);
        for (int i = 0; i < ws.Length; i++)
            ws[i] = wl[i] + wr[i];
        for (int i = ws.Length * Vector<T>.Count; i < s.Length; i++)
            s[i] = l[i] + r[i];
    }

    /// <summary>Added in float32, rounded as <see cref="BFloat16"/> rounds.</summary>
    private static void AddHalves(nint sum, nint left, nint right, int bytes)
    {
        Span<ushort> s = At<ushort>(sum, bytes), l = At<ushort>(left, bytes), r = At<ushort>(right, bytes);
        var ws = MemoryMarshal.Cast<ushort, Vector<ushort>>(s);
        var wl = MemoryMarshal.Cast<ushort, Vector<ushort>>(l);
        var wr = MemoryMarshal.Cast<ushort, Vector<ushort>>(r);
        for (int i = 0; i < ws.Length; i++)
        {
            Vector.Widen(wl[i], out var leftLow, out var leftHigh);
            Vector.Widen(wr[i], out var rightLow, out var rightHigh);
            ws[i] = Vector.Narrow(Rounded(Single(leftLow) + Single(rightLow)), Rounded(Single(leftHigh) + Single(rightHigh)));
        }

        for (int i = ws.Length * Vector<ushort>.Count; i < s.Length; i++)
            s[i] = BFloat16.FromSingle(BFloat16.ToSingle(l[i]) + BFloat16.ToSingle(r[i]));

        static Vector<float> Single(Vector<uint> elements) => Vector.AsVectorSingle(Vector.ShiftLeft(elements, 16));

        static Vector<uint> Rounded(Vector<float> value)
        {
            var bits = Vector.AsVectorUInt32(value);
            var nearest = bits + new Vector<uint>(0x7FFF) + (Vector.ShiftRightLogical(bits, 16) & Vector<uint>.One);
            return Vector.ShiftRightLogical(Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(value, value)), nearest, bits | new Vector<uint>(0x40_0000)), 16);
        }
    }

    private static Span<T> At<T>(nint address, int bytes)
        where T : unmanaged => new((void*)address, bytes / sizeof(T));
}
