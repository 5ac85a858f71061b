using Singa.Actors.Graph.Random;

namespace Singa.Actors.Runtime.Data.Digits;

/// <summary>Drawn digits, 28×28 bytes each, 0 background to 255 ink. Image i of a purpose is a pure function of (seed, purpose, i).</summary>
public static class DigitImages
{
    public const int Side = Handwriting.Side;

    /// <param name="purpose">What the images are for: other purposes give other images.</param>
    public static (byte[] Pixels, byte[] Labels) Generate(ulong seed, string purpose, int count, CancellationToken cancellation = default)
    {
        var pixels = new byte[checked(count * Side * Side)];
        var labels = new byte[count];
        ulong key = Philox.Key(seed, $"digits/{purpose}");
        Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation }, i =>
            labels[i] = Draw(key, (ulong)i, pixels.AsSpan(i * Side * Side, Side * Side)));
        return (pixels, labels);
    }

    private static byte Draw(ulong key, ulong number, Span<byte> image)
    {
        var chance = new Chance(key, number);
        int digit = chance.Below(10);
        var styles = GlyphStyles.Of(digit);
        var glyph = styles[chance.Below(styles.Length)];
        var pen = Pen.Draw(ref chance);
        Span<Segment> segments = stackalloc Segment[Handwriting.SegmentsMax];
        int count = Handwriting.Write(glyph, ref chance, pen.Radius, segments);
        pen.Trace(segments[..count], ref chance, image);
        return (byte)digit;
    }
}
