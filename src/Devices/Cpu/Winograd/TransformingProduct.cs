using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Singa.Actors.Devices.Cpu.Winograd.WinogradTransforms;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>
/// One tile times sixteen channels of the filter, which is transformed on the way: two rows of frequencies at a time stay in registers, so that nothing
/// of the transform is ever written. Bits are those of <see cref="WinogradTransforms.Filter(float*, nint, float*, nint, float*)"/> and a micro-kernel.
/// </summary>
internal static unsafe class TransformingProduct
{
    /// <summary>Two rows of the transform along the height, of one column of taps.</summary>
    private interface IRows
    {
        static abstract (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2);
    }

    /// <param name="taps">As <see cref="TapsPhase"/> leaves them.</param>
    /// <param name="steps">Channels summed over.</param>
    /// <param name="image">The tile's frequencies, each with all channels, <paramref name="imageApart"/> floats apart.</param>
    /// <param name="products">Sixteen sums for each frequency, <paramref name="apart"/> floats apart.</param>
    public static void Multiply(float* taps, int steps, float* image, nint imageApart, float* products, nint apart)
    {
        // While this group's taps are walked three times, a third of the next one's is fetched each time.
        float* next = taps + (nint)steps * TapsPhase.Taps * Lanes;
        Multiply<Outer>(taps, steps, next, image, image + 30 * imageApart, imageApart, products, products + 30 * apart, apart);
        Multiply<Inner>(taps, steps, next + 3 * Lanes, image + 6 * imageApart, image + 12 * imageApart, imageApart, products + 6 * apart, products + 12 * apart, apart);
        Multiply<Middle>(taps, steps, next + 6 * Lanes, image + 18 * imageApart, image + 24 * imageApart, imageApart, products + 18 * apart, products + 24 * apart, apart);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<T>(float* taps, int steps, float* next, float* image, float* second, nint imageApart, float* products, float* secondProducts, nint apart) where T : struct, IRows
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
        for (int step = 0; step < steps; step++, taps += TapsPhase.Taps * Lanes, next += TapsPhase.Taps * Lanes)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(next);
                Sse.Prefetch1(next + Lanes);
                Sse.Prefetch1(next + 2 * Lanes);
            }

            var (x0, y0) = T.Of(Load(taps), Load(taps + 3 * Lanes), Load(taps + 6 * Lanes));
            var (x1, y1) = T.Of(Load(taps + Lanes), Load(taps + 4 * Lanes), Load(taps + 7 * Lanes));
            var (x2, y2) = T.Of(Load(taps + 2 * Lanes), Load(taps + 5 * Lanes), Load(taps + 8 * Lanes));
            float* from = image + step;
            var (p, q) = ((x0 + x2) * Vector512.Create(-Sixth), x1 * Vector512.Create(Sixth));
            var (r, s) = (Fma(x2, Vector512.Create(Sixth), x0 * Vector512.Create(TwentyFourth)), x1 * Vector512.Create(Twelfth));
            a0 = Fma(x0 * Vector512.Create(0.25f), Vector512.Create(*from), a0);
            a1 = Fma(p - q, Vector512.Create(from[imageApart]), a1);
            a2 = Fma(p + q, Vector512.Create(from[2 * imageApart]), a2);
            a3 = Fma(r + s, Vector512.Create(from[3 * imageApart]), a3);
            a4 = Fma(r - s, Vector512.Create(from[4 * imageApart]), a4);
            a5 = Fma(x2, Vector512.Create(from[5 * imageApart]), a5);
            from = second + step;
            (p, q) = ((y0 + y2) * Vector512.Create(-Sixth), y1 * Vector512.Create(Sixth));
            (r, s) = (Fma(y2, Vector512.Create(Sixth), y0 * Vector512.Create(TwentyFourth)), y1 * Vector512.Create(Twelfth));
            b0 = Fma(y0 * Vector512.Create(0.25f), Vector512.Create(*from), b0);
            b1 = Fma(p - q, Vector512.Create(from[imageApart]), b1);
            b2 = Fma(p + q, Vector512.Create(from[2 * imageApart]), b2);
            b3 = Fma(r + s, Vector512.Create(from[3 * imageApart]), b3);
            b4 = Fma(r - s, Vector512.Create(from[4 * imageApart]), b4);
            b5 = Fma(y2, Vector512.Create(from[5 * imageApart]), b5);
        }

        Put(a0, a1, a2, a3, a4, a5, products, apart);
        Put(b0, b1, b2, b3, b4, b5, secondProducts, apart);
    }

    private static void Put(Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3, Vector512<float> v4, Vector512<float> v5, float* products, nint apart)
    {
        Store(v0, products);
        Store(v1, products + apart);
        Store(v2, products + 2 * apart);
        Store(v3, products + 3 * apart);
        Store(v4, products + 4 * apart);
        Store(v5, products + 5 * apart);
    }

    private readonly struct Outer : IRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2) => (g0 * Vector512.Create(0.25f), g2);
    }

    private readonly struct Inner : IRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2)
        {
            var (p, q) = ((g0 + g2) * Vector512.Create(-Sixth), g1 * Vector512.Create(Sixth));
            return (p - q, p + q);
        }
    }

    private readonly struct Middle : IRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static (Vector512<float> First, Vector512<float> Second) Of(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2)
        {
            var (r, s) = (Fma(g2, Vector512.Create(Sixth), g0 * Vector512.Create(TwentyFourth)), g1 * Vector512.Create(Twelfth));
            return (r + s, r - s);
        }
    }
}
