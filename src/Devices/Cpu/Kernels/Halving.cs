using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>
/// 2 × 2 max pooling that halves a plane, four outputs at a time. A row's last outputs overlap those before: they are written twice,
/// with the same value. Optimised at the first call: pooling is in the first step of every convolutional network.
/// </summary>
internal static unsafe class Halving
{
    /// <summary>Outputs a row needs at least.</summary>
    public const int Lanes = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(float* image, int width, float* result, int outHeight, int outWidth)
    {
        for (int y = 0; y < outHeight; y++, image += 2 * width, result += outWidth)
        {
            for (int x = 0; x < outWidth; x += Lanes)
            {
                int at = Math.Min(x, outWidth - Lanes);
                float* upper = image + 2 * at, lower = upper + width;
                var left = Vector128.Max(Vector128.Load(upper), Vector128.Load(lower));
                var right = Vector128.Max(Vector128.Load(upper + Lanes), Vector128.Load(lower + Lanes));
                Vector128.Store(Vector128.Max(Even(left, right), Odd(left, right)), result + at);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradient(float* image, int width, float* gradient, int outHeight, int outWidth, float* target)
    {
        for (int y = 0; y < outHeight; y++, image += 2 * width, target += 2 * width, gradient += outWidth)
        {
            for (int x = 0; x < outWidth; x += Lanes)
            {
                int at = Math.Min(x, outWidth - Lanes);
                float* upper = image + 2 * at, lower = upper + width;
                Vector128<float> u0 = Vector128.Load(upper), u1 = Vector128.Load(upper + Lanes);
                Vector128<float> l0 = Vector128.Load(lower), l1 = Vector128.Load(lower + Lanes);
                var best = Even(u0, u1);
                var second = Beats(Odd(u0, u1), ref best);
                var third = Beats(Even(l0, l1), ref best);
                var fourth = Beats(Odd(l0, l1), ref best);

                // Added to +0 as the definition says: −0 arrives as +0.
                var flow = Vector128.Load(gradient + at) + Vector128<float>.Zero;
                var d = flow & fourth;
                var c = Vector128.AndNot(flow & third, fourth);
                var b = Vector128.AndNot(flow & second, third | fourth);
                var a = Vector128.AndNot(flow, second | third | fourth);
                float* above = target + 2 * at, below = above + width;
                Interleave(a, b, above);
                Interleave(c, d, below);
            }
        }
    }

    // Where a later element takes the maximum over: it is greater, or the first NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Beats(Vector128<float> next, ref Vector128<float> best)
    {
        var newNaN = Vector128.AndNot(Vector128.IsNaN(next), Vector128.IsNaN(best));
        var beats = Vector128.GreaterThan(next, best) | newNaN;
        best = Vector128.ConditionalSelect(beats, next, best);
        return beats;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Even(Vector128<float> a, Vector128<float> b) => Low(
        Vector128.Shuffle(a, Vector128.Create(0, 2, 0, 2)), Vector128.Shuffle(b, Vector128.Create(0, 2, 0, 2)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Odd(Vector128<float> a, Vector128<float> b) => Low(
        Vector128.Shuffle(a, Vector128.Create(1, 3, 1, 3)), Vector128.Shuffle(b, Vector128.Create(1, 3, 1, 3)));

    // Lower half of a, upper half of b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Vector128.ConditionalSelect(Vector128.Create(-1, -1, 0, 0).AsSingle(), a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(Vector128<float> a, Vector128<float> b, float* to)
    {
        var first = Vector128.Create(-1, 0, -1, 0).AsSingle();
        Vector128.Store(
            Vector128.ConditionalSelect(
                first, Vector128.Shuffle(a, Vector128.Create(0, 0, 1, 1)), Vector128.Shuffle(b, Vector128.Create(0, 0, 1, 1))),
            to);
        Vector128.Store(
            Vector128.ConditionalSelect(
                first, Vector128.Shuffle(a, Vector128.Create(2, 2, 3, 3)), Vector128.Shuffle(b, Vector128.Create(2, 2, 3, 3))),
            to + Lanes);
    }
}
