using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// Whether shards should move, by what they were measured to take. A step lasts as long as its slowest worker; shards move where that would become
/// shorter by more than a move is worth, and has been so for some steps on end, so that a hiccup moves nothing.
/// </summary>
/// <param name="gain">By which part the slowest worker's time must shrink, e.g. 0.1.</param>
/// <param name="steps">For how many steps on end.</param>
/// <param name="pause">How many steps must lie behind a generation before its shards move.</param>
public sealed class Rebalancing(double gain, int steps, int pause)
{
    private const double Weight = 0.25;

    private ImmutableArray<ShardRange> ranges = [];
    private double[] perShard = [];
    private int taken;
    private int uneven;

    /// <summary>Seconds a shard takes with each rank; 0: not measured.</summary>
    public ImmutableArray<double> SecondsPerShard => [.. perShard];

    /// <summary>A generation begins. What is known of workers that go on stays known.</summary>
    /// <param name="shards">The range of each rank.</param>
    /// <param name="known">What a shard took with each rank, as far as it has been measured; 0: it has not.</param>
    public void Begin(ImmutableArray<ShardRange> shards, ReadOnlySpan<double> known)
    {
        ranges = shards;
        perShard = known.ToArray();
        (taken, uneven) = (0, 0);
    }

    /// <summary>A step has happened.</summary>
    /// <param name="compute">Seconds that each rank spent on its shards, waiting for others not counted.</param>
    /// <returns>Speeds for <see cref="Assignment.Of(int, ReadOnlySpan{double})"/>, in the order of the ranks; null: everything stays where it is.</returns>
    public ImmutableArray<double>? Measured(ReadOnlySpan<double> compute)
    {
        taken++;
        for (int rank = 0; rank < ranges.Length; rank++)
        {
            if (ranges[rank].Count == 0 || !double.IsFinite(compute[rank]) || compute[rank] <= 0)
                continue;
            double seconds = compute[rank] / ranges[rank].Count;
            perShard[rank] = perShard[rank] == 0 ? seconds : perShard[rank] + Weight * (seconds - perShard[rank]);
        }

        if (perShard.Contains(0))
            return null;
        var speeds = perShard.Select(s => 1 / s).ToArray();
        var better = Assignment.Of(ranges.Sum(r => r.Count), speeds);
        uneven = Slowest(better) < (1 - gain) * Slowest(ranges) ? uneven + 1 : 0;
        return uneven >= steps && taken > pause ? [.. speeds] : null;
    }

    private double Slowest(ImmutableArray<ShardRange> shards) => shards.Select((s, rank) => s.Count * perShard[rank]).Max();
}
