using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Scheduling;

/// <summary>
/// Who takes how much: shards (or evaluation batches) as contiguous ranges, in the order the takers are named, in proportion
/// to their speed. Everybody who asks with the same figures gets the same answer.
/// </summary>
public static class Assignment
{
    /// <summary>
    /// One range per speed; together they are 0…<paramref name="count"/>. A range is empty only where there are more takers than
    /// pieces: then the slower, of equals the later named, stand by.
    /// </summary>
    /// <param name="speeds">Any unit; what counts is their proportion.</param>
    public static ImmutableArray<ShardRange> Of(int count, ReadOnlySpan<double> speeds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (speeds.IsEmpty)
            throw new ArgumentException("nobody to assign anything to", nameof(speeds));
        foreach (double speed in speeds)
        {
            if (!double.IsFinite(speed) || speed <= 0)
                throw new ArgumentOutOfRangeException(nameof(speeds), speed, "a speed must be positive");
        }

        var shares = Shares(count, speeds.ToArray());
        var ranges = ImmutableArray.CreateBuilder<ShardRange>(shares.Length);
        int first = 0;
        foreach (int share in shares)
        {
            ranges.Add(new ShardRange(first, share));
            first += share;
        }

        return ranges.MoveToImmutable();
    }

    /// <summary>Equal speeds.</summary>
    public static ImmutableArray<ShardRange> Of(int count, int takers)
    {
        var speeds = new double[takers];
        Array.Fill(speeds, 1.0);
        return Of(count, speeds);
    }

    private static int[] Shares(int count, double[] speeds)
    {
        var fastest = Enumerable.Range(0, speeds.Length).OrderByDescending(i => speeds[i]).ThenBy(i => i).Take(count).ToArray();
        var shares = new int[speeds.Length];
        foreach (int taker in fastest)
            shares[taker] = 1;

        // What is left goes, one at a time, to whoever would have the least load for its speed: the finish of the slowest is what a step waits for.
        for (int left = count - fastest.Length; left > 0; left--)
        {
            int next = fastest[0];
            foreach (int taker in fastest)
            {
                double mine = (shares[taker] + 1) / speeds[taker], best = (shares[next] + 1) / speeds[next];
                if (mine < best)
                    next = taker;
            }

            shares[next]++;
        }

        return shares;
    }
}
