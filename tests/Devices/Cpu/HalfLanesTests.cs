using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Cpu;

public sealed class HalfLanesTests
{
    // On a value, on either side of it, on a tie and on either side of that.
    private static readonly uint[] Lower = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF];

    private static readonly float[] Floats = [.. Enumerable.Range(0, 1 << 16).SelectMany(upper => Lower.Select(lower => BitConverter.UInt32BitsToSingle((uint)upper << 16 | lower)))];

    /// <summary>By the distance to both neighbours, in float64; beyond the largest the next would be 2^128.</summary>
    private static ushort Nearest(float value)
    {
        if (float.IsNaN(value))
            return 0x7FC0;
        ushort below = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16), above = (ushort)(below + 1);
        if (float.IsInfinity(value))
            return below;
        double size = Math.Abs((double)value), low = Math.Abs((double)BFloat16.ToSingle(below)), high = Math.Abs((double)BFloat16.ToSingle(above));
        if (double.IsInfinity(high))
            high = Math.Pow(2, 128);
        return size - low < high - size || (size - low == high - size && below % 2 == 0) ? below : above;
    }

    private static ushort AnyNaN(ushort element) => float.IsNaN(BFloat16.ToSingle(element)) ? (ushort)0x7FC0 : element;

    [Fact]
    public void Rounding_is_to_nearest_with_ties_to_even() => Assert.Equal(Floats.Select(Nearest), Floats.Select(v => AnyNaN(BFloat16.FromSingle(v))));

    /// <summary>One at a time, in vectors, in a row's incomplete end and with gaps between elements.</summary>
    [Fact]
    public unsafe void Every_width_rounds_and_widens_alike()
    {
        var pack = ScalarBody.Compile([DType.Float32], Fn.Convert(Scalar.Argument(0, DType.Float32), DType.BFloat16));
        var unpack = ScalarBody.Compile([DType.BFloat16], Fn.Convert(Scalar.Argument(0, DType.BFloat16), DType.Float32));
        // Lanes of two sizes run one at a time.
        var single = ScalarBody.Compile([DType.Float32, DType.Int64], Fn.Convert(Scalar.Argument(0, DType.Float32) + Fn.Convert(Scalar.Argument(1, DType.Int64), DType.Float32), DType.BFloat16));
        var expected = Floats.Select(Nearest).ToArray();
        var integer = 0L;
        foreach (var width in VectorWidths.Available)
        {
            var rows = new RowFunctions(width);
            foreach (int stride in new[] { 1, 2 })
            {
                var halves = new ushort[Floats.Length * stride];
                var back = new float[Floats.Length];
                fixed (float* from = Floats, to = back)
                fixed (ushort* middle = halves)
                {
                    Run(rows.Row(pack, 1, stride), Floats.Length - 3, from, middle);
                    Run(rows.Row(pack, 1, stride), 3, from + Floats.Length - 3, middle + stride * (Floats.Length - 3));
                    Run(rows.Row(unpack, stride, 1), Floats.Length, middle, to);
                    Assert.Equal(expected, Enumerable.Range(0, Floats.Length).Select(i => AnyNaN(halves[i * stride])));
                    Assert.Equal(halves.Where((_, i) => i % stride == 0).Select(h => BitConverter.SingleToInt32Bits(BFloat16.ToSingle(h))), back.Select(BitConverter.SingleToInt32Bits));

                    Run(rows.Row(single, 1, 0, stride), Floats.Length, from, &integer, middle);
                    // −0 + 0 is +0.
                    Assert.Equal(Floats.Select(v => Nearest(v + 0f)), Enumerable.Range(0, Floats.Length).Select(i => AnyNaN(halves[i * stride])));
                }
            }
        }
    }

    private static unsafe void Run(RowDelegate row, long count, void* first, void* second, void* third = null)
    {
        void** pointers = stackalloc void*[] { first, second, third };
        row(pointers, count);
    }
}
