using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// Few tiles times sixteen channels of the filter, which is transformed on the way: of some steps at a time along the height to where it stays in the
/// first-level cache, then along the width, row by row, in registers. Bits are those of
/// <see cref="WinogradTransforms.Filter(float*, nint, float*, nint, float*)"/> and a micro-kernel.
/// </summary>
internal static unsafe class TransformingProduct
{
    private const int Lanes = WinogradTransforms.Lanes, StepsAtOnce = 16, Rows = 6, RowTaps = 3, ChunkTaps = StepsAtOnce * FilterTaps.PerStep;

    /// <summary>Floats that a product wants for itself.</summary>
    public const int Temporary = StepsAtOnce * Rows * RowTaps * Lanes;

    /// <param name="taps">As <see cref="TapsPhase"/> leaves them.</param>
    /// <param name="steps">Channels summed over.</param>
    /// <param name="image">The tiles' frequencies, <paramref name="imageApart"/> floats apart, each with all channels; tiles are <paramref name="imagePitch"/> apart.</param>
    /// <param name="products">Sixteen sums for each tile and frequency, <paramref name="pitch"/> and <paramref name="apart"/> floats apart.</param>
    /// <param name="temporary">As many floats as <see cref="Temporary"/> says.</param>
    public static void Multiply(float* taps, int steps, int tiles, float* image, nint imagePitch, nint imageApart, float* products, nint pitch, nint apart, float* temporary)
    {
        if (Vector512.IsHardwareAccelerated)
            Multiply<Floats16>(taps, steps, tiles, image, imagePitch, imageApart, products, pitch, apart, temporary);
        else
            Multiply<Floats8>(taps, steps, tiles, image, imagePitch, imageApart, products, pitch, apart, temporary);
    }

    private static void Multiply<T>(float* taps, int steps, int tiles, float* image, nint imagePitch, nint imageApart, float* products, nint pitch, nint apart, float* temporary) where T : struct, IFloats<T>
    {
        for (int step = 0; step < steps; step += StepsAtOnce, taps += ChunkTaps)
        {
            int count = Math.Min(StepsAtOnce, steps - step);
            // What the next steps want is fetched all the while, for everything comes from memory.
            float* next = taps + ChunkTaps;
            for (int lane = 0; lane < Lanes; lane += T.Count)
            {
                Columns<T>(taps + lane, count, temporary);
                for (int row = 0; row < Rows; row++, next += StepsAtOnce * Line<T>())
                {
                    float* rowTaps = temporary + row * StepsAtOnce * RowTaps * T.Count;
                    for (int tile = 0; tile < tiles; tile++)
                    {
                        Row<T>(rowTaps, count, image + tile * imagePitch + row * Rows * imageApart + step, imageApart,
                            products + tile * pitch + row * Rows * apart + lane, apart, next, step > 0);
                    }
                }
            }
        }
    }

    /// <summary>Floats to fetch at each step of a row, so that all rows together fetch a chunk and a little more.</summary>
    private static int Line<T>() where T : struct, IFloats<T> => 2 * T.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch<T>(float* next) where T : struct, IFloats<T>
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch0(next);
        if (Line<T>() > Lanes)
            Sse.Prefetch0(next + Lanes);
    }

    /// <summary>The transform along the height: of each row of frequencies, step by step, what three columns become.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Columns<T>(float* taps, int steps, float* rows) where T : struct, IFloats<T>
    {
        nint row = StepsAtOnce * RowTaps * T.Count;
        for (int step = 0; step < steps; step++, taps += FilterTaps.PerStep)
        {
            for (int column = 0; column < RowTaps; column++, rows += T.Count)
            {
                float* tap = taps + column * Lanes;
                var (g0, g1, g2) = (T.Load(tap), T.Load(tap + RowTaps * Lanes), T.Load(tap + 2 * RowTaps * Lanes));
                WinogradTransforms.Store(FilterRows<T>.Outer(g0, g2), rows, rows + 5 * row);
                WinogradTransforms.Store(FilterRows<T>.Inner(g0, g1, g2), rows + row, rows + 2 * row);
                WinogradTransforms.Store(FilterRows<T>.Middle(g0, g1, g2), rows + 3 * row, rows + 4 * row);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Row<T>(float* taps, int steps, float* image, nint imageApart, float* products, nint apart, float* next, bool continues) where T : struct, IFloats<T>
    {
        T s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default;
        if (continues)
        {
            (s0, s1, s2) = (T.Load(products), T.Load(products + apart), T.Load(products + 2 * apart));
            (s3, s4, s5) = (T.Load(products + 3 * apart), T.Load(products + 4 * apart), T.Load(products + 5 * apart));
        }

        for (int step = 0; step < steps; step++, taps += RowTaps * T.Count, image++, next += Line<T>())
        {
            Fetch<T>(next);
            var (g0, g1, g2) = (T.Load(taps), T.Load(taps + T.Count), T.Load(taps + 2 * T.Count));
            var (u, v) = FilterRows<T>.Outer(g0, g2);
            s0 = T.Fma(u, T.Create(*image), s0);
            s5 = T.Fma(v, T.Create(image[5 * imageApart]), s5);
            (u, v) = FilterRows<T>.Inner(g0, g1, g2);
            s1 = T.Fma(u, T.Create(image[imageApart]), s1);
            s2 = T.Fma(v, T.Create(image[2 * imageApart]), s2);
            (u, v) = FilterRows<T>.Middle(g0, g1, g2);
            s3 = T.Fma(u, T.Create(image[3 * imageApart]), s3);
            s4 = T.Fma(v, T.Create(image[4 * imageApart]), s4);
        }

        WinogradTransforms.Store((s0, s1), products, products + apart);
        WinogradTransforms.Store((s2, s3), products + 2 * apart, products + 3 * apart);
        WinogradTransforms.Store((s4, s5), products + 4 * apart, products + 5 * apart);
    }
}
