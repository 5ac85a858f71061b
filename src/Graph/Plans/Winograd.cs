namespace Singa.Actors.Graph.Plans;

/// <summary>
/// Minimal filtering F(4×4, 3×3): a tile of 4×4 results takes 36 products where the sum over taps takes 144. Source: Winograd, "Arithmetic
/// complexity of computations" (1980); Lavin, Gray, "Fast algorithms for convolutional neural networks" (2015), whose matrices these are.
/// </summary>
/// <remarks>
/// Tiles start at result (0, 0) and cover it; the image is zero outside, and results outside are dropped. A transform goes along the height
/// for each column, then along the width for each row. Between the transforms, for each of the 36 places, a chain as in
/// <see cref="ContractKernel"/>: over input channels (Forward; ImageGradient: output channels, the filter turned by half a turn and the
/// padding what is left of 2), over (sample, tile row, tile column) in FilterGradient. Bits of the one-dimensional transforms, fma fused:
/// <code>
/// image    t0 = fma(4, d0, fma(-5, d2, d4))   a = fma(-4, d2, d4), b = fma(-4, d1, d3): t1 = a + b, t2 = a - b
///          c = d4 - d2, e = 2 (d3 - d1): t3 = c + e, t4 = c - e          t5 = fma(4, d1, fma(-5, d3, d5))
/// filter   u0 = g0/4   p = (g0 + g2)(-1/6), q = g1/6: u1 = p - q, u2 = p + q   r = fma(g2, 1/6, g0/24), s = g1/12: u3 = r + s, u4 = r - s   u5 = g2
/// result   a = m1 + m2, b = m1 - m2, c = m3 + m4, d = m3 - m4: y0 = (m0 + a) + c, y1 = fma(2, d, b), y2 = fma(4, c, a), y3 = fma(8, d, b) + m5
/// result's gradient   z0 = y0   e = y0 + y2, o = y1 + y3: z1 = e + o, z2 = e - o   e = fma(4, y2, y0), o = fma(8, y3, 2 y1): z3 = e + o, z4 = e - o   z5 = y3
/// filter's gradient   a = m1 + m2, b = m2 - m1, c = m3 + m4, d = m3 - m4: g0 = fma(c, 1/24, fma(a, -1/6, m0/4)), g1 = fma(d, 1/12, b/6), g2 = fma(c - a, 1/6, m5)
/// </code>
/// Fractions are multiplications with the nearest float32.
/// </remarks>
public static class Winograd
{
    /// <summary>Results of a tile along an axis, taps of the filter, values of the image under a tile.</summary>
    public const int Outputs = 4, Taps = 3, Inputs = 6;

    public const int Frequencies = Inputs * Inputs;

    // Fewer channels do not pay for the transforms, smaller results leave tiles half empty.
    private const int ChannelsMin = 32, SizeMin = 3;

    /// <summary>Whether a convolution is worth it: a matter of its kernel and of one sample's shapes, never of how many samples there are.</summary>
    /// <param name="filter">[out, in, kernel, kernel]</param>
    public static bool Suits(Window2D window, int groups, DType type, Shape filter, long height, long width) =>
        window is { KernelHeight: Taps, KernelWidth: Taps, StrideHeight: 1, StrideWidth: 1, DilationHeight: 1, DilationWidth: 1, PadTop: < Taps, PadLeft: < Taps }
        && groups == 1 && type == DType.Float32 && filter[^4] >= ChannelsMin && filter[^3] >= ChannelsMin && height >= SizeMin && width >= SizeMin;
}
