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
    private static void Multiply<T>(float* taps, int steps, float* next, float* image, float* second, nint imageApart, float* products, float* secondProducts, nint apart) where T : struct, IFilterRows
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
            Add(x0, x1, x2, image + step, imageApart, ref a0, ref a1, ref a2, ref a3, ref a4, ref a5);
            Add(y0, y1, y2, second + step, imageApart, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5);
        }

        Put(a0, a1, a2, a3, a4, a5, products, apart);
        Put(b0, b1, b2, b3, b4, b5, secondProducts, apart);
    }

    /// <summary>A row's transform along the width, times the image's frequencies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector512<float> g0, Vector512<float> g1, Vector512<float> g2, float* image, nint apart,
        ref Vector512<float> s0, ref Vector512<float> s1, ref Vector512<float> s2, ref Vector512<float> s3, ref Vector512<float> s4, ref Vector512<float> s5)
    {
        var (u, v) = Outer.Of(g0, g1, g2);
        s0 = Fma(u, Vector512.Create(*image), s0);
        s5 = Fma(v, Vector512.Create(image[5 * apart]), s5);
        (u, v) = Inner.Of(g0, g1, g2);
        s1 = Fma(u, Vector512.Create(image[apart]), s1);
        s2 = Fma(v, Vector512.Create(image[2 * apart]), s2);
        (u, v) = Middle.Of(g0, g1, g2);
        s3 = Fma(u, Vector512.Create(image[3 * apart]), s3);
        s4 = Fma(v, Vector512.Create(image[4 * apart]), s4);
    }

    private static void Put(Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3, Vector512<float> v4, Vector512<float> v5, float* products, nint apart)
    {
        Store((v0, v1), products, products + apart);
        Store((v2, v3), products + 2 * apart, products + 3 * apart);
        Store((v4, v5), products + 4 * apart, products + 5 * apart);
    }
}
