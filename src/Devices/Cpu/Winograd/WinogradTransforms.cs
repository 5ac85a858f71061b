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
    public static void Image(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            Image<Floats16>(pixels, pitch, frequencies, apart, temporary);
        else
            Image<Floats8>(pixels, pitch, frequencies, apart, temporary);
    }

    /// <summary>4×4 pixels of a result's gradient.</summary>
    public static void Gradient(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            Gradient<Floats16>(pixels, pitch, frequencies, apart, temporary);
        else
            Gradient<Floats8>(pixels, pitch, frequencies, apart, temporary);
    }

    /// <summary>3×3 taps, each <paramref name="next"/> floats after the one before it.</summary>
    public static void Filter(float* taps, nint next, float* frequencies, nint apart, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            Filter<Floats16>(taps, next, frequencies, apart, temporary);
        else
            Filter<Floats8>(taps, next, frequencies, apart, temporary);
    }

    /// <summary>36 frequencies to 4×4 pixels.</summary>
    public static void Result(float* frequencies, nint apart, float* pixels, nint pitch, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            Result<Floats16>(frequencies, apart, pixels, pitch, temporary);
        else
            Result<Floats8>(frequencies, apart, pixels, pitch, temporary);
    }

    /// <summary>36 frequencies to the gradient of 3×3 taps, which lie <paramref name="tapsApart"/> floats apart.</summary>
    public static void FilterGradient(float* frequencies, nint apart, float* taps, nint tapsApart, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            FilterGradient<Floats16>(frequencies, apart, taps, tapsApart, temporary);
        else
            FilterGradient<Floats8>(frequencies, apart, taps, tapsApart, temporary);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Image<T>(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary) where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int j = 0; j < 6; j++)
                Image<T>(pixels + lane + j * Lanes, pitch, temporary + j * T.Count, 6 * T.Count);
            for (int i = 0; i < 6; i++)
                Image<T>(temporary + i * 6 * T.Count, T.Count, frequencies + lane + i * 6 * apart, apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradient<T>(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary) where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int j = 0; j < 4; j++)
                Gradient<T>(pixels + lane + j * Lanes, pitch, temporary + j * T.Count, 4 * T.Count);
            for (int i = 0; i < 6; i++)
                Gradient<T>(temporary + i * 4 * T.Count, T.Count, frequencies + lane + i * 6 * apart, apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Filter<T>(float* taps, nint next, float* frequencies, nint apart, float* temporary) where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int j = 0; j < 3; j++)
                Filter<T>(taps + lane + j * next, 3 * next, temporary + j * T.Count, 3 * T.Count);
            for (int i = 0; i < 6; i++)
                Filter<T>(temporary + i * 3 * T.Count, T.Count, frequencies + lane + i * 6 * apart, apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Result<T>(float* frequencies, nint apart, float* pixels, nint pitch, float* temporary) where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int j = 0; j < 6; j++)
                Result<T>(frequencies + lane + j * apart, 6 * apart, temporary + j * T.Count, 6 * T.Count);
            for (int i = 0; i < 4; i++)
                Result<T>(temporary + i * 6 * T.Count, T.Count, pixels + lane + i * pitch, Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FilterGradient<T>(float* frequencies, nint apart, float* taps, nint tapsApart, float* temporary) where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int j = 0; j < 6; j++)
                FilterGradient<T>(frequencies + lane + j * apart, 6 * apart, temporary + j * T.Count, 6 * T.Count);
            for (int i = 0; i < 3; i++)
                FilterGradient<T>(temporary + i * 6 * T.Count, T.Count, taps + lane + i * 3 * tapsApart, tapsApart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Image<T>(float* d, nint from, float* t, nint to) where T : struct, IFloats<T>
    {
        var (d0, d1, d2) = (T.Load(d), T.Load(d + from), T.Load(d + 2 * from));
        var (d3, d4, d5) = (T.Load(d + 3 * from), T.Load(d + 4 * from), T.Load(d + 5 * from));
        T four = T.Create(4f), minusFour = T.Create(-4f), minusFive = T.Create(-5f);
        var (a, b) = (T.Fma(minusFour, d2, d4), T.Fma(minusFour, d1, d3));
        var (c, e) = (d4 - d2, (d3 - d1) * T.Create(2f));
        T.Fma(four, d0, T.Fma(minusFive, d2, d4)).Store(t);
        (a + b).Store(t + to);
        (a - b).Store(t + 2 * to);
        (c + e).Store(t + 3 * to);
        (c - e).Store(t + 4 * to);
        T.Fma(four, d1, T.Fma(minusFive, d3, d5)).Store(t + 5 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gradient<T>(float* y, nint from, float* z, nint to) where T : struct, IFloats<T>
    {
        var (y0, y1, y2, y3) = (T.Load(y), T.Load(y + from), T.Load(y + 2 * from), T.Load(y + 3 * from));
        var (even, odd) = (y0 + y2, y1 + y3);
        y0.Store(z);
        (even + odd).Store(z + to);
        (even - odd).Store(z + 2 * to);
        (even, odd) = (T.Fma(T.Create(4f), y2, y0), T.Fma(T.Create(8f), y3, y1 * T.Create(2f)));
        (even + odd).Store(z + 3 * to);
        (even - odd).Store(z + 4 * to);
        y3.Store(z + 5 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Filter<T>(float* g, nint from, float* u, nint to) where T : struct, IFloats<T>
    {
        var (g0, g1, g2) = (T.Load(g), T.Load(g + from), T.Load(g + 2 * from));
        Store(FilterRows<T>.Outer(g0, g2), u, u + 5 * to);
        Store(FilterRows<T>.Inner(g0, g1, g2), u + to, u + 2 * to);
        Store(FilterRows<T>.Middle(g0, g1, g2), u + 3 * to, u + 4 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Result<T>(float* m, nint from, float* y, nint to) where T : struct, IFloats<T>
    {
        var (m0, m1, m2) = (T.Load(m), T.Load(m + from), T.Load(m + 2 * from));
        var (m3, m4, m5) = (T.Load(m + 3 * from), T.Load(m + 4 * from), T.Load(m + 5 * from));
        var (a, b, c, d) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4);
        (m0 + a + c).Store(y);
        T.Fma(T.Create(2f), d, b).Store(y + to);
        T.Fma(T.Create(4f), c, a).Store(y + 2 * to);
        (T.Fma(T.Create(8f), d, b) + m5).Store(y + 3 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FilterGradient<T>(float* m, nint from, float* g, nint to) where T : struct, IFloats<T>
    {
        var (m0, m1, m2) = (T.Load(m), T.Load(m + from), T.Load(m + 2 * from));
        var (m3, m4, m5) = (T.Load(m + 3 * from), T.Load(m + 4 * from), T.Load(m + 5 * from));
        var (a, b, c, d) = (m1 + m2, m2 - m1, m3 + m4, m3 - m4);
        T.Fma(c, T.Create(TwentyFourth), T.Fma(a, T.Create(-Sixth), m0 * T.Create(0.25f))).Store(g);
        T.Fma(d, T.Create(Twelfth), b * T.Create(Sixth)).Store(g + to);
        T.Fma(c - a, T.Create(Sixth), m5).Store(g + 2 * to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>((T First, T Second) values, float* first, float* second) where T : struct, IFloats<T>
    {
        values.First.Store(first);
        values.Second.Store(second);
    }
}

/// <summary>The six rows that three taps become, two at a time.</summary>
internal static class FilterRows<T>
    where T : struct, IFloats<T>
{
    /// <summary>The first and the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T First, T Second) Outer(T g0, T g2) => (g0 * T.Create(0.25f), g2);

    /// <summary>The second and the third.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T First, T Second) Inner(T g0, T g1, T g2)
    {
        var (p, q) = ((g0 + g2) * T.Create(-WinogradTransforms.Sixth), g1 * T.Create(WinogradTransforms.Sixth));
        return (p - q, p + q);
    }

    /// <summary>The two in between.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T First, T Second) Middle(T g0, T g1, T g2)
    {
        var (r, s) = (T.Fma(g2, T.Create(WinogradTransforms.Sixth), g0 * T.Create(WinogradTransforms.TwentyFourth)), g1 * T.Create(WinogradTransforms.Twelfth));
        return (r + s, r - s);
    }
}
