using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Fourier transforms and what is used with them.</summary>
internal static class Signals
{
    private const long LengthMax = 1 << 20;

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("DFT", 17, c => c.Out(Dft(c, c.Int("axis", 1)))),
        new("DFT", 20, c => c.Out(Dft(c, c.Has(2) ? c.Integers(2)[0] : -2))),
        new("STFT", 17, c => c.Out(ShortTime(c))),
        new("HannWindow", 17, c => Window(c, 0.5, 0.5, 0)),
        new("HammingWindow", 17, c => Window(c, 25.0 / 46, 21.0 / 46, 0)),
        new("BlackmanWindow", 17, c => Window(c, 0.42, 0.5, 0.08)),
        new("MelWeightMatrix", 17, MelWeights),
    ];

    private static OnnxValue Window(OnnxCall c, double constant, double first, double second)
    {
        long size = c.Integers(0)[0];
        double period = c.Flag("periodic", true) ? size : size - 1;
        double[] values = [.. Enumerable.Range(0, Tables.Length(size)).Select(i => period == 0 ? 1
            : constant - first * Math.Cos(2 * Math.PI * i / period) + second * Math.Cos(4 * Math.PI * i / period))];
        return OnnxCall.Out(Constant.Create<double>(values, Shape.Of(size)), c.Type("output_datatype", ElementType.Float));
    }

    private static Tensor Dft(OnnxCall c, long along)
    {
        var x = c.X(0);
        int axis = OnnxCall.Axis(along, x.Shape.Rank);
        if (axis == x.Shape.Rank - 1 || x.Shape[^1] is not (1 or 2))
            throw new OnnxException($"axis {along} of {x.Shape}, whose last one holds real and imaginary parts");
        bool inverse = c.Flag("inverse"), onesided = c.Flag("onesided");
        // One side of the waves given, the other follows: the inverse is real.
        long given = x.Shape[axis], length = c.Has(1) ? c.Integers(1)[0] : inverse && onesided ? 2 * (given - 1) : given;
        if (inverse && onesided)
            return RealInverse(x, axis, length);
        return Transform(x, axis, length, inverse, onesided ? length / 2 + 1 : length);
    }

    /// <summary>Along an axis of [.., 1 or 2], of which so many elements count; the first results of the transform.</summary>
    private static Tensor Transform(Tensor x, int axis, long length, bool inverse, long results)
    {
        var transformed = Along(x, axis, length, whole => Fourier.Transform(whole, inverse));
        return transformed.Split(axis, results, length - results)[0];
    }

    /// <summary>Of half the waves, for which the other half are mirror images, so that the result is real.</summary>
    private static Tensor RealInverse(Tensor x, int axis, long length)
    {
        long half = length / 2 + 1;
        var real = Along(x, axis, half, given =>
        {
            int[] mirrored = [.. Enumerable.Range((int)half, (int)(length - half)).Select(k => (int)length - k)];
            var numbers = Constant.Create<int>(mirrored, Shape.Of(mirrored.Length));
            Tensor Whole(Tensor t, double sign) => mirrored.Length == 0 ? t : Composites.Concat(1, t, t.Gather(numbers, 1) * sign);
            return Fourier.Transform(new Complex(Whole(given.Real, 1), Whole(given.Imaginary, -1)), inverse: true);
        });
        return real.Split(x.Shape.Rank - 1, 1, 1)[0];
    }

    /// <summary>Rows along the axis, cut or filled with zeros to a length, through a transform, and back in place.</summary>
    private static Tensor Along(Tensor x, int axis, long length, Func<Complex, Complex> transform)
    {
        if (length < 1 || length > LengthMax)
            throw new OnnxUnsupportedException($"a transform of {length:N0} elements; {LengthMax:N0} is the most");
        int last = x.Shape.Rank - 1;
        long[] none = new long[x.Shape.Rank], after = new long[x.Shape.Rank];
        after[axis] = length - x.Shape[axis];
        // Real numbers in float64, complex ones in their own type, as the references of ONNX's tests have them: where waves cancel, the
        // rounding of the one or the other is all that is left to compare.
        var whole = Padding.WithValue(x, none, after, x.Like(0)).Convert(x.Shape[last] == 1 ? DType.Float64 : x.DType);
        int[] others = [.. Enumerable.Range(0, last).Where(a => a != axis)];
        var outer = Shape.Of([.. others.Select(a => x.Shape[a])]);
        Tensor[] parts = [.. whole.Split(last, [.. Enumerable.Repeat(1L, (int)x.Shape[last])]).Select(p => p.Reshape(whole.Shape.RemoveAt(last)).Transpose([.. others, axis]).Reshape(Shape.Of(outer.Count, length)))];
        var result = transform(new Complex(parts[0], parts.Length > 1 ? parts[1] : Fill.Create(whole.DType, parts[0].Shape, 0)));
        int[] back = [.. Enumerable.Range(0, last).Select(a => a == axis ? last - 1 : Array.IndexOf(others, a))];
        return Tensor.Stack(last, [.. new[] { result.Real, result.Imaginary }.Select(t => t.Convert(x.DType).Reshape(outer.Append(t.Shape[1])).Transpose(back))]);
    }

    private static Tensor ShortTime(OnnxCall c)
    {
        var x = c.X(0);
        if (x.Shape.Rank == 2)
            x = x.Unsqueeze(-1);
        long step = c.Integers(1)[0], length = c.Has(3) ? c.Integers(3)[0] : c.Has(2) ? c.Shape(2)[0] : x.Shape[1];
        if (step < 1 || length < 1 || length > x.Shape[1])
            throw new OnnxException($"frames of {length} in steps of {step} of {x.Shape}");
        int frames = Tables.Length((x.Shape[1] - length) / step + 1);
        Tables.Length(frames * length);
        int[] places = [.. Enumerable.Range(0, frames).SelectMany(f => Enumerable.Range(0, (int)length).Select(i => checked((int)(f * step + i))))];
        var cut = x.Gather(Constant.Create<int>(places, Shape.Of(frames, length)), 1);
        if (c.Has(2))
        {
            // A shorter window is for the middle of its frame.
            long missing = length - c.Shape(2)[0];
            var window = Padding.WithValue(c.X(2), [missing / 2], [missing - missing / 2], c.X(2).Like(0));
            cut *= window.Reshape(Shape.Of(length, 1));
        }

        return Transform(cut, 2, length, false, c.Flag("onesided", true) ? length / 2 + 1 : length);
    }

    private static OnnxValue MelWeights(OnnxCall c)
    {
        long bins = c.Integers(0)[0], length = c.Integers(1)[0], rate = c.Integers(2)[0];
        double low = Mel(c.Floats(3)[0]), high = Mel(c.Floats(4)[0]);
        if (bins is < 1 or > 1 << 16 || length is < 1 or > 1 << 20 || rate < 1)
            throw new OnnxException($"{bins} bands of a transform of {length}");
        long rows = length / 2 + 1;
        double step = (high - low) / (bins + 2);
        long[] edges = [.. Enumerable.Range(0, (int)bins + 2).Select(i => (long)Math.Floor((length + 1) * (700 * (Math.Pow(10, (i * step + low) / 2595) - 1)) / rate))];
        var weights = new double[Tables.Length(rows * bins)];
        for (int band = 0; band < bins; band++)
        {
            var (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2]);
            if (left < 0 || right >= rows)
                throw new OnnxException("the bands reach beyond the transform");
            if (left == centre)
                weights[centre * bins + band] = 1;
            for (long at = left; at <= centre && left < centre; at++)
                weights[at * bins + band] = (double)(at - left) / (centre - left);
            for (long at = centre; at < right; at++)
                weights[at * bins + band] = (double)(right - at) / (right - centre);
        }

        return OnnxCall.Out(Constant.Create<double>(weights, Shape.Of(rows, bins)), c.Type("output_datatype", ElementType.Float));

        static double Mel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);
    }
}
