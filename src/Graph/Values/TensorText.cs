using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Singa.Actors.Graph;

/// <summary>
/// A tensor as people read it: its type and its numbers in columns, of large ones only the corners, with … for what is left out. It reads
/// no more than it shows.
/// </summary>
public static class TensorText
{
    private const string Gap = "…";

    // Up to here all is shown; beyond, so many elements from either end of the three innermost axes, one of the next two, then the first alone.
    private const int WholeMax = 200, RowMax = 20, Edge = 3;

    public static string Of(TensorType type, TensorValues values)
    {
        if (type.Shape.Count == 0)
            return $"{type}: no elements";
        var places = Enumerable.Range(0, type.Shape.Rank).Select(axis => Places(type.Shape, axis)).ToArray();
        var cells = Cells(type, values, places);
        int width = cells.Max(c => c.Length);
        var text = new StringBuilder($"{type}:{(type.Shape.Rank > 1 ? '\n' : ' ')}");
        int next = 0;
        Write(0);
        return text.ToString();

        void Write(int axis)
        {
            if (axis == places.Length)
            {
                text.Append(cells[next++].PadLeft(width));
                return;
            }

            text.Append('[');
            for (int i = 0; i < places[axis].Length; i++)
            {
                if (i > 0)
                    text.Append(axis == places.Length - 1 ? ", " : "," + new string('\n', places.Length - 1 - axis) + new string(' ', axis + 1));
                if (places[axis][i] < 0)
                    text.Append(Gap);
                else
                    Write(axis + 1);
            }

            text.Append(']');
        }
    }

    /// <summary>Which places of an axis are shown; −1 is a gap.</summary>
    private static long[] Places(Shape shape, int axis)
    {
        long size = shape[axis];
        int inner = shape.Rank - 1 - axis, edge = inner < 3 ? Edge : 1;
        if ((shape.Count <= WholeMax && shape[^1] <= RowMax) || size <= 2 * edge)
            return inner < 5 || size <= 1 || shape.Count <= WholeMax ? [.. Enumerable.Range(0, (int)size).Select(i => (long)i)] : [0, -1];
        return inner < 5 ? [.. Enumerable.Range(0, edge).Select(i => (long)i), -1, .. Enumerable.Range(0, edge).Select(i => size - edge + i)] : [0, -1];
    }

    private static string[] Cells(TensorType type, TensorValues values, long[][] places)
    {
        long[] strides = type.Shape.ContiguousStrides();
        IEnumerable<long> offsets = [0];
        for (int axis = 0; axis < places.Length; axis++)
        {
            int at = axis;
            offsets = offsets.SelectMany(o => places[at].Where(p => p >= 0).Select(p => o + p * strides[at]));
        }

        return type.DType switch
        {
            DType.Float32 => Numbers([.. Read<float>().Select(x => (double)x)], single: true),
            DType.Float64 => Numbers([.. Read<double>()], single: false),
            DType.Int32 => [.. Read<int>().Select(x => x.ToString(CultureInfo.InvariantCulture))],
            DType.Int64 => [.. Read<long>().Select(x => x.ToString(CultureInfo.InvariantCulture))],
            DType.UInt8 => [.. Read<byte>().Select(x => x.ToString(CultureInfo.InvariantCulture))],
            _ => [.. Read<byte>().Select(x => x == 0 ? "false" : "true")],
        };

        IEnumerable<T> Read<T>() where T : unmanaged => offsets.Select(o =>
        {
            T value = default;
            values.CopyTo(o * type.DType.Size(), MemoryMarshal.AsBytes(new Span<T>(ref value)));
            return value;
        });
    }

    // As few digits as show them all to four decimals; beyond what columns can hold, powers of ten.
    private static string[] Numbers(double[] numbers, bool single)
    {
        double[] magnitudes = [.. numbers.Where(x => double.IsFinite(x) && x != 0).Select(Math.Abs)];
        if (numbers.Length == 1)
            return [Special(numbers[0]) ?? (single ? ((float)numbers[0]).ToString(CultureInfo.InvariantCulture) : numbers[0].ToString(CultureInfo.InvariantCulture))];
        string format = magnitudes.Length > 0 && (magnitudes.Max() >= 1e8 || magnitudes.Min() < 1e-3) ? "0.0000e+00" : Decimals();
        return [.. numbers.Select(x => Special(x) ?? x.ToString(format, CultureInfo.InvariantCulture))];

        string Decimals()
        {
            const int most = 4;
            int needed = magnitudes.Select(x => Math.Round(x, most).ToString("0.####", CultureInfo.InvariantCulture)).Append("0").Max(t => t.IndexOf('.') is >= 0 and var dot ? t.Length - dot - 1 : 0);
            return needed == 0 ? "0" : "0." + new string('0', needed);
        }

        static string? Special(double x) => double.IsNaN(x) ? "NaN" : double.IsInfinity(x) ? x > 0 ? "inf" : "-inf" : null;
    }
}
