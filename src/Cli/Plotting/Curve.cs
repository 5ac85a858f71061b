namespace Singa.Actors.Cli.Plotting;

/// <summary>What a curve shows; figures of one kind share a panel.</summary>
internal enum Figure
{
    Loss,
    Accuracy,
    Perplexity,
}

/// <summary>One figure over the steps of one run; finite values, steps ascending. <c>HeldBack</c>: on samples that were not trained on.</summary>
internal sealed record Curve(string Run, Figure Figure, bool HeldBack, double[] Steps, double[] Values)
{
    /// <summary>The curve with each value the mean of its neighbourhood, twice over: once would leave the corners of a box.</summary>
    /// <param name="share">Of all points, on either side.</param>
    public Curve Smoothed(double share)
    {
        int reach = (int)(Values.Length * share);
        return this with { Values = Means(Means(Values, reach), reach) };
    }

    /// <summary>No more than about <paramref name="most"/> points that look the same: of each stretch the lowest and the highest.</summary>
    public Curve Thinned(int most)
    {
        if (Values.Length <= most)
            return this;
        var kept = new List<int>(most);
        int stretches = most / 2;
        for (int s = 0; s < stretches; s++)
        {
            int first = (int)((long)s * Values.Length / stretches), end = (int)((long)(s + 1) * Values.Length / stretches);
            int low = first, high = first;
            for (int i = first; i < end; i++)
            {
                low = Values[i] < Values[low] ? i : low;
                high = Values[i] > Values[high] ? i : high;
            }

            kept.Add(Math.Min(low, high));
            if (low != high)
                kept.Add(Math.Max(low, high));
        }

        return this with { Steps = [.. kept.Select(i => Steps[i])], Values = [.. kept.Select(i => Values[i])] };
    }

    private static double[] Means(double[] values, int reach)
    {
        var sums = new double[values.Length + 1];
        for (int i = 0; i < values.Length; i++)
            sums[i + 1] = sums[i] + values[i];
        return [.. values.Select((_, i) => Mean(Math.Max(0, i - reach), Math.Min(values.Length, i + reach + 1)))];

        double Mean(int first, int end) => (sums[end] - sums[first]) / (end - first);
    }
}
