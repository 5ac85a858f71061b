using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// A value x becomes <c>(x − mean) / deviation</c>, by figures of the training set: a pair for each channel (an index of a sample's outermost
/// axis), or one for all of them. A byte counts as x / 255.
/// </summary>
public sealed record Normalisation(Seq<double> Means, Seq<double> StandardDeviations)
{
    /// <summary>Bytes as x / 255 and everything else as it is.</summary>
    public static readonly Normalisation None = new([0], [1]);

    public int Channels => Means.Count;

    /// <summary>The figures of all bytes together.</summary>
    public static Normalisation Of(ReadOnlySpan<byte> values)
    {
        var histogram = new long[256];
        foreach (var value in values)
            histogram[value]++;
        return Of([histogram]);
    }

    /// <summary>
    /// The figures of each channel, from how often each byte occurs in it. Sums are integers, so they are exact in any order; what follows
    /// is a handful of IEEE operations, which are the same everywhere.
    /// </summary>
    public static Normalisation Of(IEnumerable<long[]> histograms)
    {
        var figures = histograms.Select(Figures).ToArray();
        return new Normalisation(figures.Select(f => f.Mean).ToSeq(), figures.Select(f => f.Deviation).ToSeq());
    }

    /// <summary>What each byte of a channel becomes.</summary>
    public float[] Table(int channel)
    {
        int pair = Channels == 1 ? 0 : channel;
        var table = new float[256];
        for (int value = 0; value < table.Length; value++)
            table[value] = (float)((value / 255.0 - Means[pair]) / StandardDeviations[pair]);
        return table;
    }

    private static (double Mean, double Deviation) Figures(long[] histogram)
    {
        Int128 count = 0, sum = 0, squares = 0;
        for (int value = 0; value < histogram.Length; value++)
        {
            count += histogram[value];
            sum += (Int128)value * histogram[value];
            squares += (Int128)value * value * histogram[value];
        }

        // count² times the variance, still exact: no cancellation can spoil it.
        var spread = count * squares - sum * sum;
        double n = Math.Max(1, (double)count);
        return ((double)sum / (255 * n), spread == 0 ? 1 : Math.Sqrt((double)spread) / (255 * n));
    }
}
