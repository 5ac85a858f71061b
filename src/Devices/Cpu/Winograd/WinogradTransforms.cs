using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>The transforms of <see cref="Graph.Plans.Winograd"/>, sixteen channels at a time: places are <see cref="Lanes"/> floats each.</summary>
internal static unsafe class WinogradTransforms
{
    public const int Lanes = 16;

    /// <summary>Floats that a transform wants for itself.</summary>
    public const int Temporary = 36 * Lanes;

    public const float Sixth = 1f / 6, Twelfth = 1f / 12, TwentyFourth = 1f / 24;

    /// <summary>6×6 pixels, rows <paramref name="pitch"/> floats apart, to 36 frequencies that lie <paramref name="apart"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Image(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary)
    {
        for (int j = 0; j < 6; j++)
            Image(pixels + j * Lanes, pitch, temporary + j * Lanes, 6 * Lanes);
        for (int i = 0; i < 6; i++)
            Image(temporary + i * 6 * Lanes, Lanes, frequencies + i * 6 * apart, apart);
    }

    /// <summary>4×4 pixels of a result's gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradient(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary)
    {
        for (int j = 0; j < 4; j++)
            Gradient(pixels + j * Lanes, pitch, temporary + j * Lanes, 4 * Lanes);
        for (int i = 0; i < 6; i++)
            Gradient(temporary + i * 4 * Lanes, Lanes, frequencies + i * 6 * apart, apart);
    }

    /// <summary>3×3 taps, each <paramref name="next"/> floats after the one before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Filter(float* taps, nint next, float* frequencies, nint apart, float* temporary)
    {
        for (int j = 0; j < 3; j++)
            Filter(taps + j * next, 3 * next, temporary + j * Lanes, 3 * Lanes);
        for (int i = 0; i < 6; i++)
            Filter(temporary + i * 3 * Lanes, Lanes, frequencies + i * 6 * apart, apart);
    }

    /// <summary>36 frequencies to 4×4 pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Result(float* frequencies, nint apart, float* pixels, nint pitch, float* temporary)
    {
        for (int j = 0; j < 6; j++)
            Result(frequencies + j * apart, 6 * apart, temporary + j * Lanes, 6 * Lanes);
        for (int i = 0; i < 4; i++)
            Result(temporary + i * 6 * Lanes, Lanes, pixels + i * pitch, Lanes);
    }

    /// <summary>36 frequencies to the gradient of 3×3 taps, which lie <paramref name="tapsApart"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FilterGradient(float* frequencies, nint apart, float* taps, nint tapsApart, float* temporary)
    {
        for (int j = 0; j < 6; j++)
            FilterGradient(frequencies + j * apart, 6 * apart, temporary + j * Lanes, 6 * Lanes);
        for (int i = 0; i < 3; i++)
            FilterGradient(temporary + i * 6 * Lanes, Lanes, taps + i * 3 * tapsApart, tapsApart);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Image(float* d, nint from, float* t, nint to)
    {
        var (d0, d1, d2) = (Load(d), Load(d + from), Load(d + 2 * from));
        var (d3, d4, d5) = (Load(d + 3 * from), Load(d + 4 * from), Load(d + 5 * from));
        Vector512<float> four = Vector512.Create(4f), minusFour = Vector512.Create(-4f), minusFive = Vector512.Create(-5f);
        var (a, b) = (Fma(minusFour, d2, d4), Fma(minusFour, d1, d3));
        var (c, e) = (d4 - d2, (d3 - d1) * Vector512.Create(2f));
        Store(Fma(four, d0, Fma(minusFive, d2, d4)), t);
        Store(a + b, t + to);
        Store(a - b, t + 2 * to);
        Store(c + e, t + 3 * to);
        Store(c - e, t + 4 * to);
        Store(Fma(four, d1, Fma(minusFive, d3, d5)), t + 5 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gradient(float* y, nint from, float* z, nint to)
    {
        var (y0, y1, y2, y3) = (Load(y), Load(y + from), Load(y + 2 * from), Load(y + 3 * from));
        var (even, odd) = (y0 + y2, y1 + y3);
        Store(y0, z);
        Store(even + odd, z + to);
        Store(even - odd, z + 2 * to);
        (even, odd) = (Fma(Vector512.Create(4f), y2, y0), Fma(Vector512.Create(8f), y3, y1 * Vector512.Create(2f)));
        Store(even + odd, z + 3 * to);
        Store(even - odd, z + 4 * to);
        Store(y3, z + 5 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Filter(float* g, nint from, float* u, nint to)
    {
        var (g0, g1, g2) = (Load(g), Load(g + from), Load(g + 2 * from));
        Store(Outer.Of(g0, g1, g2), u, u + 5 * to);
        Store(Inner.Of(g0, g1, g2), u + to, u + 2 * to);
        Store(Middle.Of(g0, g1, g2), u + 3 * to, u + 4 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Result(float* m, nint from, float* y, nint to)
    {
        var (m0, m1, m2) = (Load(m), Load(m + from), Load(m + 2 * from));
        var (m3, m4, m5) = (Load(m + 3 * from), Load(m + 4 * from), Load(m + 5 * from));
        var (a, b, c, d) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4);
        Store(m0 + a + c, y);
        Store(Fma(Vector512.Create(2f), d, b), y + to);
        Store(Fma(Vector512.Create(4f), c, a), y + 2 * to);
        Store(Fma(Vector512.Create(8f), d, b) + m5, y + 3 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FilterGradient(float* m, nint from, float* g, nint to)
    {
        var (m0, m1, m2) = (Load(m), Load(m + from), Load(m + 2 * from));
        var (m3, m4, m5) = (Load(m + 3 * from), Load(m + 4 * from), Load(m + 5 * from));
        var (a, b, c, d) = (m1 + m2, m2 - m1, m3 + m4, m3 - m4);
        Store(Fma(c, Vector512.Create(TwentyFourth), Fma(a, Vector512.Create(-Sixth), m0 * Vector512.Create(0.25f))), g);
        Store(Fma(d, Vector512.Create(Twelfth), b * Vector512.Create(Sixth)), g + to);
        Store(Fma(c - a, Vector512.Create(Sixth), m5), g + 2 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* at) => Vector512.Load(at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* at) => Vector512.Store(value, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store((Vector512<float> First, Vector512<float> Second) values, float* first, float* second)
    {
        Store(values.First, first);
        Store(values.Second, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    /// <summary>Two of the six rows that three taps become.</summary>
    public interface IFilterRows
    {
        static abstract (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2);
    }

    /// <summary>The first and the last.</summary>
    public readonly struct Outer : IFilterRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2) => (g0 * Vector512.Create(0.25f), g2);
    }

    /// <summary>The second and the third.</summary>
    public readonly struct Inner : IFilterRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2)
        {
            var (p, q) = ((g0 + g2) * Vector512.Create(-Sixth), g1 * Vector512.Create(Sixth));
            return (p - q, p + q);
        }
    }

    /// <summary>The two in between.</summary>
    public readonly struct Middle : IFilterRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2)
        {
            var (r, s) = (Fma(g2, Vector512.Create(Sixth), g0 * Vector512.Create(TwentyFourth)), g1 * Vector512.Create(Twelfth));
            return (r + s, r - s);
        }
    }
}
