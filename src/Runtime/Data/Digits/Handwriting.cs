namespace Singa.Actors.Runtime.Data.Digits;

/// <summary>
/// One digit as one hand would write it once: a style, its points jittered, sheared, stretched, turned and bent, then brought to the
/// frame that MNIST's images have: the longer side 20 pixels, the middle of the ink in the middle of 28×28, give or take a shift.
/// Only additions, products, quotients and square roots, so that every machine draws the same image.
/// </summary>
internal static class Handwriting
{
    public const int Side = 28;
    public const int SegmentsMax = 512;

    private const double Box = 20;
    private const int StepsPerCurve = 6;

    /// <summary>Fills <paramref name="segments"/> in pixels and returns how many there are.</summary>
    public static int Write(Glyph glyph, ref Chance chance, double penRadius, Span<Segment> segments)
    {
        var bend = Bend.Draw(ref chance);
        Span<Point> points = stackalloc Point[32];
        int count = 0;
        foreach (var stroke in glyph.Strokes)
        {
            for (int i = 0; i < stroke.Length; i++)
                points[i] = bend.Apply(stroke[i] + new Point(chance.Bell(), chance.Bell()) * bend.Jitter);
            count = Flatten(points[..stroke.Length], segments, count);
        }

        Frame(segments[..count], ref chance, penRadius);
        return count;
    }

    /// <summary>A Catmull-Rom curve through the points as short straight segments.</summary>
    private static int Flatten(ReadOnlySpan<Point> points, Span<Segment> segments, int count)
    {
        for (int i = 0; i + 1 < points.Length; i++)
        {
            Point a = points[Math.Max(i - 1, 0)], b = points[i], c = points[i + 1], d = points[Math.Min(i + 2, points.Length - 1)];
            var from = b;
            for (int step = 1; step <= StepsPerCurve; step++)
            {
                double t = step / (double)StepsPerCurve;
                var to = (b * 2 + (c - a) * t + (a * 2 - b * 5 + c * 4 - d) * (t * t) + (b * 3 - a - c * 3 + d) * (t * t * t)) * 0.5;
                segments[count++] = new Segment(from, to);
                from = to;
            }
        }

        return count;
    }

    private static void Frame(Span<Segment> segments, ref Chance chance, double penRadius)
    {
        double left = double.MaxValue, top = double.MaxValue, right = double.MinValue, bottom = double.MinValue;
        double length = 0, weightedX = 0, weightedY = 0;
        foreach (var (from, to) in segments)
        {
            (left, right) = (Math.Min(left, Math.Min(from.X, to.X)), Math.Max(right, Math.Max(from.X, to.X)));
            (top, bottom) = (Math.Min(top, Math.Min(from.Y, to.Y)), Math.Max(bottom, Math.Max(from.Y, to.Y)));
            double each = (to - from).Length;
            length += each;
            weightedX += each * (from.X + to.X) * 0.5;
            weightedY += each * (from.Y + to.Y) * 0.5;
        }

        double scale = (Box - 2 * penRadius) * chance.Within(0.88, 1.03) / Math.Max(right - left, bottom - top);
        var centre = new Point(Side * 0.5 + chance.Bell() * 0.9, Side * 0.5 + chance.Bell() * 0.9);
        var middle = new Point(weightedX / length, weightedY / length);
        foreach (ref var segment in segments)
            segment = new Segment((segment.From - middle) * scale + centre, (segment.To - middle) * scale + centre);
    }

    /// <summary>What is done to all points of a digit alike: stretch, shear and turn, and a quadratic bend like a wobbling hand's.</summary>
    private readonly struct Bend
    {
        private readonly double xx, xy, yx, yy;
        private readonly Point square, product, squareY;

        private Bend(ref Chance chance)
        {
            // A turn by the angle whose half has tangent t: exact arithmetic instead of sine and cosine. 0.14 is about 16 degrees.
            double t = chance.Within(-0.14, 0.14);
            double cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
            double stretch = chance.Within(0.65, 1.4), shear = chance.Within(-0.25, 0.5);
            (xx, xy) = (cosine * stretch, -cosine * shear * stretch - sine);
            (yx, yy) = (sine * stretch, -sine * shear * stretch + cosine);
            (square, product, squareY) = (Wobble(ref chance), Wobble(ref chance), Wobble(ref chance));
            Jitter = chance.Within(1, 5);
        }

        public double Jitter { get; }

        public static Bend Draw(ref Chance chance) => new(ref chance);

        public Point Apply(Point point)
        {
            double x = (point.X - 35) * 0.02, y = (point.Y - 50) * 0.02;
            var bent = point + square * (x * x) + product * (x * y) + squareY * (y * y);
            return new Point(xx * (bent.X - 35) + xy * (bent.Y - 50), yx * (bent.X - 35) + yy * (bent.Y - 50));
        }

        private static Point Wobble(ref Chance chance) => new Point(chance.Bell(), chance.Bell()) * 6;
    }
}

/// <summary>A straight piece of a stroke.</summary>
internal readonly record struct Segment(Point From, Point To);
