namespace Singa.Actors.Runtime.Data.Digits;

/// <summary>Ink on paper: how far a pixel lies from the stroke decides how dark it is.</summary>
internal readonly record struct Pen(double Radius, double Softness, double Brightness, double Noise, double Grain)
{
    public static Pen Draw(ref Chance chance) => new(
        Radius: 0.75 + 0.55 * (chance.Unit() + chance.Unit()),
        Softness: chance.Within(0.7, 1.4),
        Brightness: chance.Within(225, 300),
        Noise: chance.Within(0, 0.12),
        Grain: chance.Below(4) == 0 ? chance.Within(2, 18) : 0);

    /// <summary>Draws the segments on an empty image.</summary>
    public void Trace(ReadOnlySpan<Segment> segments, ref Chance chance, Span<byte> image)
    {
        Span<double> distances = stackalloc double[Handwriting.Side * Handwriting.Side];
        double reach = Radius + Softness;
        distances.Fill(reach * reach);
        foreach (var segment in segments)
            Near(segment, reach, distances);
        for (int i = 0; i < image.Length; i++)
        {
            double ink = Math.Clamp((Radius - Math.Sqrt(distances[i])) / Softness + 0.5, 0, 1) * Brightness;
            uint word = Noise > 0 && ink > 0 || Grain > 0 ? chance.Word() : 0;
            double first = (word >> 16) * (1.0 / 32768) - 1, second = (word & 0xFFFF) * (1.0 / 65536);
            image[i] = (byte)Math.Clamp(ink * (1 + Noise * first) + Grain * second, 0, 255);
        }
    }

    /// <summary>Lowers squared distances of the pixels within reach of one segment.</summary>
    private static void Near(Segment segment, double reach, Span<double> distances)
    {
        var (from, to) = segment;
        var along = to - from;
        double squared = along.X * along.X + along.Y * along.Y, inverse = squared > 1e-12 ? 1 / squared : 0;
        int firstRow = Pixel(Math.Min(from.Y, to.Y) - reach), lastRow = Pixel(Math.Max(from.Y, to.Y) + reach);
        int firstColumn = Pixel(Math.Min(from.X, to.X) - reach), lastColumn = Pixel(Math.Max(from.X, to.X) + reach);
        for (int row = firstRow; row <= lastRow; row++)
        {
            double y = row + 0.5 - from.Y;
            for (int column = firstColumn; column <= lastColumn; column++)
            {
                double x = column + 0.5 - from.X;
                double t = Math.Clamp((x * along.X + y * along.Y) * inverse, 0, 1);
                double dx = x - t * along.X, dy = y - t * along.Y;
                ref double distance = ref distances[row * Handwriting.Side + column];
                distance = Math.Min(distance, dx * dx + dy * dy);
            }
        }
    }

    private static int Pixel(double place) => Math.Clamp((int)place, 0, Handwriting.Side - 1);
}
