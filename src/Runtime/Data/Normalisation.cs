namespace Singa.Actors.Runtime.Data;

/// <summary>A byte x becomes <c>(x / 255 − Mean) / StandardDeviation</c>; both are figures of the training set's x / 255.</summary>
public sealed record Normalisation(double Mean, double StandardDeviation)
{
    /// <summary>
    /// The figures of all bytes together. Sums are integers, so they are exact in any order; what follows is a handful of IEEE
    /// operations, which are the same everywhere.
    /// </summary>
    public static Normalisation Of(ReadOnlySpan<byte> values)
    {
        if (values.IsEmpty)
            return new Normalisation(0, 1);
        Span<long> histogram = stackalloc long[256];
        histogram.Clear();
        foreach (var value in values)
            histogram[value]++;
        Int128 count = values.Length, sum = 0, squares = 0;
        for (int value = 0; value < 256; value++)
        {
            sum += (Int128)value * histogram[value];
            squares += (Int128)value * value * histogram[value];
        }

        // count² times the variance, still exact: no cancellation can spoil it.
        var spread = count * squares - sum * sum;
        double n = (double)count;
        double deviation = Math.Sqrt((double)spread) / (255 * n);
        return new Normalisation((double)sum / (255 * n), spread == 0 ? 1 : deviation);
    }

    /// <summary>What each byte becomes.</summary>
    public float[] Table()
    {
        var table = new float[256];
        for (int value = 0; value < table.Length; value++)
            table[value] = (float)((value / 255.0 - Mean) / StandardDeviation);
        return table;
    }
}
