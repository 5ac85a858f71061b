using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary><see cref="Winograd"/> in plain loops: each element of the target from tiles and filters transformed for it alone.</summary>
internal sealed class ReferenceWinograd(ConvolveKernel kernel, ReferenceView image, ReferenceView filter, ReferenceView result)
{
    private readonly Dictionary<(long, long, long, long, bool), float[]> tiles = [];
    private readonly Dictionary<(long, long), float[]> filters = [];
    private readonly Dictionary<(long, long, long, long), float[]> results = [];

    public Value Forward(long[] at) => Covered(at, image, kernel.Window.PadTop, kernel.Window.PadLeft, filter.Shape[1],
        (o, c) => Tap((kh, kw) => filter[o, c, kh, kw]));

    public Value ImageGradient(long[] at) => Covered(at, result, 2 - kernel.Window.PadTop, 2 - kernel.Window.PadLeft, filter.Shape[0],
        (c, o) => Tap((kh, kw) => filter[o, c, 2 - kh, 2 - kw]));

    public Value FilterGradient(long[] shard, long[] at)
    {
        long first = shard.Length == 0 ? 0 : shard[0] * result.Shape[1];
        return Value.Float(DType.Float32, Memo(results, (first, at[0], at[1], 0), () => FilterTile(shard, first, at))[3 * at[2] + at[3]]);
    }

    private float[] FilterTile(long[] shard, long first, long[] at)
    {
        int lead = shard.Length;
        long rows = (result.Shape[lead + 2] + 3) / 4, columns = (result.Shape[lead + 3] + 3) / 4;
        var points = Shape.Of(result.Shape[lead], rows, columns);
        var products = new float[36];
        for (int f = 0; f < 36; f++)
        {
            int place = f;
            products[f] = Number(ReferenceContract.Chain(DType.Float32, points.Count, k =>
            {
                var p = ReferenceView.Unflatten(k, points);
                var z = Memo(tiles, (first + p[0], at[0], p[1], p[2], true), () => Both(4, 6, Gradient, (y, x) =>
                    Element(result, [.. shard, p[0], at[0]], 4 * p[1] + y, 4 * p[2] + x)));
                var v = Memo(tiles, (first + p[0], at[1], p[1], p[2], false), () => Both(6, 6, Image, (y, x) =>
                    Element(image, [.. shard, p[0], at[1]], 4 * p[1] + y - kernel.Window.PadTop, 4 * p[2] + x - kernel.Window.PadLeft)));
                return (Value.Float(DType.Float32, z[place]), Value.Float(DType.Float32, v[place]));
            }));
        }

        return Both(6, 3, FilterOf, (y, x) => products[6 * y + x]);
    }

    private Value Covered(long[] at, ReferenceView source, int top, int left, long channels, Func<long, long, float[]> filterOf)
    {
        var (n, o, y, x) = (at[0], at[1], at[2], at[3]);
        return Value.Float(DType.Float32, Memo(results, (n, o, y / 4, x / 4), () => Tile(n, o, y, x, source, top, left, channels, filterOf))[y % 4 * 4 + x % 4]);
    }

    private float[] Tile(long n, long o, long y, long x, ReferenceView source, int top, int left, long channels, Func<long, long, float[]> filterOf)
    {
        var products = new float[36];
        for (int f = 0; f < 36; f++)
        {
            int place = f;
            products[f] = Number(ReferenceContract.Chain(DType.Float32, channels, c =>
            {
                var v = Memo(tiles, (n, c, y / 4, x / 4, false), () => Both(6, 6, Image, (i, j) => Element(source, [n, c], y / 4 * 4 + i - top, x / 4 * 4 + j - left)));
                var u = Memo(filters, (o, c), () => filterOf(o, c));
                return (Value.Float(DType.Float32, v[place]), Value.Float(DType.Float32, u[place]));
            }));
        }

        return Both(6, 4, Result, (i, j) => products[6 * i + j]);
    }

    private static float[] Tap(Func<int, int, Value> taps) => Both(3, 6, Filter, (i, j) => Number(taps(i, j)));

    /// <summary>Along the height for each column, then along the width for each row.</summary>
    private static float[] Both(int from, int to, Func<float[], float[]> transform, Func<int, int, float> source)
    {
        var columns = Enumerable.Range(0, from).Select(j => transform([.. Enumerable.Range(0, from).Select(i => source(i, j))])).ToArray();
        return [.. Enumerable.Range(0, to).SelectMany(i => transform([.. columns.Select(c => c[i])]))];
    }

    private static float Element(ReferenceView planes, long[] plane, long y, long x) =>
        y < 0 || x < 0 || y >= planes.Shape[^2] || x >= planes.Shape[^1] ? 0 : Number(planes[[.. plane, y, x]]);

    private static float[] Image(float[] d)
    {
        float a = Fma(-4, d[2], d[4]), b = Fma(-4, d[1], d[3]), c = d[4] - d[2], e = 2 * (d[3] - d[1]);
        return [Fma(4, d[0], Fma(-5, d[2], d[4])), a + b, a - b, c + e, c - e, Fma(4, d[1], Fma(-5, d[3], d[5]))];
    }

    private static float[] Filter(float[] g)
    {
        float p = (g[0] + g[2]) * (-1f / 6), q = g[1] * (1f / 6), r = Fma(g[2], 1f / 6, g[0] * (1f / 24)), s = g[1] * (1f / 12);
        return [g[0] * 0.25f, p - q, p + q, r + s, r - s, g[2]];
    }

    private static float[] Result(float[] m)
    {
        float a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
        return [m[0] + a + c, Fma(2, d, b), Fma(4, c, a), Fma(8, d, b) + m[5]];
    }

    private static float[] Gradient(float[] y)
    {
        float e = y[0] + y[2], o = y[1] + y[3], f = Fma(4, y[2], y[0]), p = Fma(8, y[3], 2 * y[1]);
        return [y[0], e + o, e - o, f + p, f - p, y[3]];
    }

    private static float[] FilterOf(float[] m)
    {
        float a = m[1] + m[2], b = m[2] - m[1], c = m[3] + m[4], d = m[3] - m[4];
        return [Fma(c, 1f / 24, Fma(a, -1f / 6, m[0] * 0.25f)), Fma(d, 1f / 12, b * (1f / 6)), Fma(c - a, 1f / 6, m[5])];
    }

    private static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    private static float Number(Value value) => (float)value.Number;

    private static float[] Memo<T>(Dictionary<T, float[]> known, T key, Func<float[]> make) where T : notnull =>
        known.TryGetValue(key, out var values) ? values : known[key] = make();
}
