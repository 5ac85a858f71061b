namespace Singa.Actors.Runtime.Data.Images;

/// <summary>
/// The middle square of an image, brought to a size by a triangle filter that widens as it shrinks, so that nothing is skipped. Weights are
/// whole numbers: every machine gives the same bytes.
/// </summary>
internal static class Resampling
{
    private const int WeightBits = 15;

    /// <returns>Plane after plane, each <paramref name="side"/> × <paramref name="side"/>.</returns>
    public static byte[] Square(ImageFile image, int side)
    {
        int square = Math.Min(image.Width, image.Height), left = (image.Width - square) / 2, top = (image.Height - square) / 2;
        var weights = Weights(square, side);
        var rows = new byte[square * side];
        var planes = new byte[image.Channels * side * side];
        for (int channel = 0; channel < image.Channels; channel++)
        {
            int first = (top * image.Width + left) * image.Channels + channel;
            for (int row = 0; row < square; row++)
                Apply(weights, image.Values.AsSpan(first + row * image.Width * image.Channels), image.Channels, rows.AsSpan(row * side), 1);
            for (int column = 0; column < side; column++)
                Apply(weights, rows.AsSpan(column), side, planes.AsSpan(channel * side * side + column), side);
        }

        return planes;
    }

    private static void Apply((int First, int[] Values)[] weights, ReadOnlySpan<byte> source, int step, Span<byte> target, int targetStep)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            var (first, values) = weights[i];
            int sum = 1 << (WeightBits - 1);
            for (int j = 0; j < values.Length; j++)
                sum += values[j] * source[(first + j) * step];
            target[i * targetStep] = (byte)(sum >> WeightBits);
        }
    }

    /// <summary>For each place of the target: where it begins in the source, and what each value there counts; together 1 &lt;&lt; 15.</summary>
    private static (int First, int[] Values)[] Weights(int source, int target)
    {
        double scale = (double)source / target, reach = Math.Max(1, scale);
        var weights = new (int, int[])[target];
        for (int i = 0; i < target; i++)
        {
            double middle = (i + 0.5) * scale;
            int first = Math.Max(0, (int)Math.Floor(middle - reach)), end = Math.Min(source, (int)Math.Ceiling(middle + reach));
            var shares = Enumerable.Range(first, end - first).Select(j => Math.Max(0, 1 - Math.Abs(j + 0.5 - middle) / reach)).ToArray();
            double all = shares.Sum();
            var values = Array.ConvertAll(shares, share => (int)Math.Round(share / all * (1 << WeightBits)));
            // What rounding took or gave goes to the largest.
            values[Array.IndexOf(values, values.Max())] += (1 << WeightBits) - values.Sum();
            weights[i] = (first, values);
        }

        return weights;
    }
}
