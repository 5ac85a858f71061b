namespace Singa.Actors.Runtime.Data.Digits;

internal readonly record struct Point(double X, double Y)
{
    public static Point operator +(Point a, Point b) => new(a.X + b.X, a.Y + b.Y);

    public static Point operator -(Point a, Point b) => new(a.X - b.X, a.Y - b.Y);

    public static Point operator *(Point a, double factor) => new(a.X * factor, a.Y * factor);

    public double Length => Math.Sqrt(X * X + Y * Y);
}

/// <summary>
/// One way to write a digit: strokes of the pen, each a smooth curve through its points. A corner is where a stroke ends and the
/// next begins. The box is about 70 wide and 100 high, y downwards.
/// </summary>
internal sealed class Glyph
{
    private Glyph(Point[][] strokes) => Strokes = strokes;

    public Point[][] Strokes { get; }

    /// <summary>From <c>"x,y x,y … | x,y …"</c>.</summary>
    public static Glyph Parse(string text) => new(
        [.. text.Split('|').Select(stroke => stroke.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ParsePoint).ToArray())]);

    private static Point ParsePoint(string text)
    {
        int comma = text.IndexOf(',');
        return new Point(int.Parse(text.AsSpan(0, comma)), int.Parse(text.AsSpan(comma + 1)));
    }
}
