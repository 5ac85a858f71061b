using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Complex numbers of a graph.</summary>
internal readonly record struct Complex(Tensor Real, Tensor Imaginary)
{
    public static Complex operator +(Complex a, Complex b) => new(a.Real + b.Real, a.Imaginary + b.Imaginary);

    public static Complex operator -(Complex a, Complex b) => new(a.Real - b.Real, a.Imaginary - b.Imaginary);

    public static Complex operator *(Complex a, Complex b) =>
        new(a.Real * b.Real - a.Imaginary * b.Imaginary, a.Real * b.Imaginary + a.Imaginary * b.Real);

    public static Complex operator *(Complex a, double b) => new(a.Real * b, a.Imaginary * b);

    /// <summary>i times a real factor times it.</summary>
    public Complex Turned(double by) => new(Imaginary * -by, Real * by);

    public Complex Map(Func<Tensor, Tensor> map) => new(map(Real), map(Imaginary));
}

/// <summary>
/// The discrete Fourier transform of [n, length], factor by factor, each pass a reordering on the way (Stockham's form of Cooley and Tukey's
/// algorithm, 1965); factors without a form of their own are a product with a small matrix of waves.
/// </summary>
internal static class Fourier
{
    private const int LargestForm = 5;

    /// <param name="inverse">With the other sign, and divided by the length.</param>
    public static Complex Transform(Complex x, bool inverse)
    {
        long batch = x.Real.Shape[0], length = x.Real.Shape[1];
        double sign = inverse ? 1 : -1;
        long before = 1;
        foreach (int factor in Factors(length))
        {
            long inner = length / (before * factor);
            // [n, before, factor, inner] to [n, factor, before, inner].
            var apart = x.Map(t => t.Reshape(Shape.Of(batch, before, factor, inner)));
            var pieces = Enumerable.Range(0, factor).Select(j => apart.Map(t => t.Slice([0, 0, j, 0], [batch, before, 1, inner], [1, 1, 1, 1]).Reshape(Shape.Of(batch, before, inner)))).ToArray();
            var joined = factor <= LargestForm ? Small(pieces, sign) : ByMatrix(apart, factor, sign);
            for (int j = 1; j < factor && inner > 1; j++)
                joined[j] *= Waves(inner, i => sign * 2 * Math.PI * (j * before * i % length) / length, x.Real.DType);
            x = new Complex(Tensor.Stack(1, [.. joined.Select(z => z.Real)]), Tensor.Stack(1, [.. joined.Select(z => z.Imaginary)]));
            before *= factor;
        }

        x = x.Map(t => t.Reshape(Shape.Of(batch, length)));
        return inverse ? x * (1.0 / length) : x;
    }

    /// <summary>4s first, a 2 at the very front, then odd ones.</summary>
    private static List<int> Factors(long length)
    {
        var factors = new List<int>();
        while (length % 4 == 0)
            Take(4);
        if (length % 2 == 0)
        {
            length /= 2;
            factors.Insert(0, 2);
        }

        for (int odd = 3; (long)odd * odd <= length; odd += 2)
        {
            while (length % odd == 0)
                Take(odd);
        }

        if (length > 1)
            factors.Add(checked((int)length));
        return factors;

        void Take(int factor)
        {
            length /= factor;
            factors.Add(factor);
        }
    }

    private static Complex[] Small(Complex[] x, double sign)
    {
        switch (x)
        {
            case [var a]:
                return [a];
            case [var a, var b]:
                return [a + b, a - b];
            case [var a, var b, var c]:
                var (sum, middle, side) = (b + c, a + (b + c) * Math.Cos(2 * Math.PI / 3), (b - c).Turned(sign * Math.Sin(2 * Math.PI / 3)));
                return [a + sum, middle + side, middle - side];
            case [var a, var b, var c, var d]:
                var (even, odd, difference, turned) = (a + c, b + d, a - c, (b - d).Turned(sign));
                return [even + odd, difference + turned, even - odd, difference - turned];
            default:
                return Five(x[0], x[1], x[2], x[3], x[4], sign);
        }
    }

    private static Complex[] Five(Complex a, Complex b, Complex c, Complex d, Complex e, double sign)
    {
        double near = Math.Cos(2 * Math.PI / 5), far = Math.Cos(4 * Math.PI / 5), up = Math.Sin(2 * Math.PI / 5), down = Math.Sin(4 * Math.PI / 5);
        var (outer, inner, outerDifference, innerDifference) = (b + e, c + d, b - e, c - d);
        var first = a + outer * near + inner * far;
        var second = a + outer * far + inner * near;
        var firstSide = (outerDifference * (sign * up) + innerDifference * (sign * down)).Turned(1);
        var secondSide = (outerDifference * (sign * down) - innerDifference * (sign * up)).Turned(1);
        return [a + outer + inner, first + firstSide, second + secondSide, second - secondSide, first - firstSide];
    }

    /// <summary>Along axis 2 of [n, before, factor, inner].</summary>
    private static Complex[] ByMatrix(Complex x, int factor, double sign)
    {
        var values = new double[Tables.Length((long)factor * factor)];
        Tensor Matrix(Func<double, double> wave)
        {
            for (int k = 0; k < factor; k++)
            {
                for (int j = 0; j < factor; j++)
                    values[k * factor + j] = wave(2 * Math.PI * ((long)k * j % factor) / factor);
            }

            return Constant.Create<double>(values, Shape.Of(factor, factor)).Convert(x.Real.DType);
        }

        Tensor cosines = Matrix(Math.Cos), sines = Matrix(Math.Sin);
        Tensor Times(Tensor t, Tensor matrix) => new Node(new Contract([], [], [2], [1]), [t, matrix]).Output;
        var real = Times(x.Real, cosines) - Times(x.Imaginary, sines) * sign;
        var imaginary = Times(x.Imaginary, cosines) + Times(x.Real, sines) * sign;
        return [.. Enumerable.Range(0, factor).Select(k => new Complex(At(real, k), At(imaginary, k)))];

        static Tensor At(Tensor t, int k) => t.Slice([0, 0, 0, k], [t.Shape[0], t.Shape[1], t.Shape[2], 1], [1, 1, 1, 1]).Reshape(t.Shape.RemoveAt(3));
    }

    private static Complex Waves(long count, Func<long, double> angle, DType type)
    {
        double[] angles = [.. Enumerable.Range(0, checked((int)count)).Select(i => angle(i))];
        return new(Numbers([.. angles.Select(Math.Cos)], type), Numbers([.. angles.Select(Math.Sin)], type));
    }

    private static Tensor Numbers(double[] values, DType type) => type == DType.Float64 ? Constant.Create<double>(values, Shape.Of(values.Length))
        : Constant.Create<float>([.. values.Select(v => (float)v)], Shape.Of(values.Length));
}
