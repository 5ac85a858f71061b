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
    public static void Image(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary) =>
        Square<ImageLine>(pixels, pitch, Lanes, frequencies, 6 * apart, apart, temporary);

    /// <summary>4×4 pixels of a result's gradient.</summary>
    public static void Gradient(float* pixels, nint pitch, float* frequencies, nint apart, float* temporary) =>
        Square<GradientLine>(pixels, pitch, Lanes, frequencies, 6 * apart, apart, temporary);

    /// <summary>3×3 taps, each <paramref name="next"/> floats after the one before it.</summary>
    public static void Filter(float* taps, nint next, float* frequencies, nint apart, float* temporary) =>
        Square<FilterLine>(taps, 3 * next, next, frequencies, 6 * apart, apart, temporary);

    /// <summary>
    /// Of some steps one row of six frequencies: bits are those of <see cref="Filter"/>. Steps go to rows of <paramref name="width"/>; where that is
    /// less than sixteen, up to a vector beyond the last row is written.
    /// </summary>
    /// <param name="next">From a tap to the next; from a step to the next are <see cref="FilterTaps.PerStep"/>.</param>
    public static void FilterRow(int row, float* taps, nint next, int steps, float* frequencies, int width, nint apart)
    {
        if (Vector512.IsHardwareAccelerated)
            FilterRow<Floats16>(row, taps, next, steps, frequencies, width, apart);
        else
            FilterRow<Floats8>(row, taps, next, steps, frequencies, width, apart);
    }

    private static void FilterRow<T>(int row, float* taps, nint next, int steps, float* frequencies, int width, nint apart) where T : struct, IFloats<T>
    {
        switch (row)
        {
            case 0 or 5:
                FilterRow<OuterRows<T>, T>(row == 5, taps, next, steps, frequencies, width, apart);
                break;
            case 1 or 2:
                FilterRow<InnerRows<T>, T>(row == 2, taps, next, steps, frequencies, width, apart);
                break;
            default:
                FilterRow<MiddleRows<T>, T>(row == 4, taps, next, steps, frequencies, width, apart);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FilterRow<TRows, T>(bool isSecond, float* taps, nint next, int steps, float* frequencies, int width, nint apart)
        where TRows : struct, IRows<T>
        where T : struct, IFloats<T>
    {
        int lanes = Math.Min(Lanes, width);
        for (int step = 0; step < steps; step++, taps += FilterTaps.PerStep, frequencies += width)
        {
            for (int lane = 0; lane < lanes; lane += T.Count)
            {
                float* tap = taps + lane;
                float* to = frequencies + lane;
                var (a, b) = TRows.Of(T.Load(tap), T.Load(tap + 3 * next), T.Load(tap + 6 * next));
                var (c, d) = TRows.Of(T.Load(tap + next), T.Load(tap + 4 * next), T.Load(tap + 7 * next));
                var (e, f) = TRows.Of(T.Load(tap + 2 * next), T.Load(tap + 5 * next), T.Load(tap + 8 * next));
                if (isSecond)
                    (a, c, e) = (b, d, f);
                Store(FilterRows<T>.Outer(a, e), to, to + 5 * apart);
                Store(FilterRows<T>.Inner(a, c, e), to + apart, to + 2 * apart);
                Store(FilterRows<T>.Middle(a, c, e), to + 3 * apart, to + 4 * apart);
            }
        }
    }

    private interface IRows<T>
    {
        static abstract (T First, T Second) Of(T g0, T g1, T g2);
    }

    private readonly struct OuterRows<T> : IRows<T> where T : struct, IFloats<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (T First, T Second) Of(T g0, T g1, T g2) => FilterRows<T>.Outer(g0, g2);
    }

    private readonly struct InnerRows<T> : IRows<T> where T : struct, IFloats<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (T First, T Second) Of(T g0, T g1, T g2) => FilterRows<T>.Inner(g0, g1, g2);
    }

    private readonly struct MiddleRows<T> : IRows<T> where T : struct, IFloats<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (T First, T Second) Of(T g0, T g1, T g2) => FilterRows<T>.Middle(g0, g1, g2);
    }

    /// <summary>36 frequencies to 4×4 pixels.</summary>
    public static void Result(float* frequencies, nint apart, float* pixels, nint pitch, float* temporary) =>
        Square<ResultLine>(frequencies, 6 * apart, apart, pixels, pitch, Lanes, temporary);

    /// <summary>36 frequencies to the gradient of 3×3 taps, which lie <paramref name="tapsApart"/> floats apart.</summary>
    public static void FilterGradient(float* frequencies, nint apart, float* taps, nint tapsApart, float* temporary) =>
        Square<FilterGradientLine>(frequencies, 6 * apart, apart, taps, 3 * tapsApart, tapsApart, temporary);

    private static void Square<TLine>(float* source, nint down, nint across, float* target, nint targetDown, nint targetAcross, float* temporary) where TLine : struct, ILine
    {
        if (Vector512.IsHardwareAccelerated)
            Square<TLine, Floats16>(source, down, across, target, targetDown, targetAcross, temporary);
        else
            Square<TLine, Floats8>(source, down, across, target, targetDown, targetAcross, temporary);
    }

    /// <summary>Along the height for each column, then along the width for each row; values are some floats apart down and across.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Square<TLine, T>(float* source, nint down, nint across, float* target, nint targetDown, nint targetAcross, float* temporary)
        where TLine : struct, ILine
        where T : struct, IFloats<T>
    {
        for (int lane = 0; lane < Lanes; lane += T.Count)
        {
            for (int column = 0; column < TLine.Inputs; column++)
                TLine.Transform<T>(source + lane + column * across, down, temporary + column * T.Count, TLine.Inputs * T.Count);
            for (int row = 0; row < TLine.Outputs; row++)
                TLine.Transform<T>(temporary + row * TLine.Inputs * T.Count, T.Count, target + lane + row * targetDown, targetAcross);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>((T First, T Second) values, float* first, float* second) where T : struct, IFloats<T>
    {
        values.First.Store(first);
        values.Second.Store(second);
    }

    /// <summary>A transform in one dimension.</summary>
    private interface ILine
    {
        static abstract int Inputs { get; }

        static abstract int Outputs { get; }

        /// <param name="from">Floats from a value to the next at <paramref name="source"/>; <paramref name="to"/>: at <paramref name="target"/>.</param>
        static abstract void Transform<T>(float* source, nint from, float* target, nint to) where T : struct, IFloats<T>;
    }

    private readonly struct ImageLine : ILine
    {
        public static int Inputs => 6;

        public static int Outputs => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transform<T>(float* d, nint from, float* t, nint to) where T : struct, IFloats<T>
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
    }

    private readonly struct GradientLine : ILine
    {
        public static int Inputs => 4;

        public static int Outputs => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transform<T>(float* y, nint from, float* z, nint to) where T : struct, IFloats<T>
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
    }

    private readonly struct FilterLine : ILine
    {
        public static int Inputs => 3;

        public static int Outputs => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transform<T>(float* g, nint from, float* u, nint to) where T : struct, IFloats<T>
        {
            var (g0, g1, g2) = (T.Load(g), T.Load(g + from), T.Load(g + 2 * from));
            Store(FilterRows<T>.Outer(g0, g2), u, u + 5 * to);
            Store(FilterRows<T>.Inner(g0, g1, g2), u + to, u + 2 * to);
            Store(FilterRows<T>.Middle(g0, g1, g2), u + 3 * to, u + 4 * to);
        }
    }

    private readonly struct ResultLine : ILine
    {
        public static int Inputs => 6;

        public static int Outputs => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transform<T>(float* m, nint from, float* y, nint to) where T : struct, IFloats<T>
        {
            var (m0, m1, m2) = (T.Load(m), T.Load(m + from), T.Load(m + 2 * from));
            var (m3, m4, m5) = (T.Load(m + 3 * from), T.Load(m + 4 * from), T.Load(m + 5 * from));
            var (a, b, c, d) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4);
            (m0 + a + c).Store(y);
            T.Fma(T.Create(2f), d, b).Store(y + to);
            T.Fma(T.Create(4f), c, a).Store(y + 2 * to);
            (T.Fma(T.Create(8f), d, b) + m5).Store(y + 3 * to);
        }
    }

    private readonly struct FilterGradientLine : ILine
    {
        public static int Inputs => 6;

        public static int Outputs => 3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transform<T>(float* m, nint from, float* g, nint to) where T : struct, IFloats<T>
        {
            var (m0, m1, m2) = (T.Load(m), T.Load(m + from), T.Load(m + 2 * from));
            var (m3, m4, m5) = (T.Load(m + 3 * from), T.Load(m + 4 * from), T.Load(m + 5 * from));
            var (a, b, c, d) = (m1 + m2, m2 - m1, m3 + m4, m3 - m4);
            T.Fma(c, T.Create(TwentyFourth), T.Fma(a, T.Create(-Sixth), m0 * T.Create(0.25f))).Store(g);
            T.Fma(d, T.Create(Twelfth), b * T.Create(Sixth)).Store(g + to);
            T.Fma(c - a, T.Create(Sixth), m5).Store(g + 2 * to);
        }
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
