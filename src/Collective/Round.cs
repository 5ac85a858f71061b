using System.Collections.Immutable;

namespace Singa.Actors.Collective;

/// <summary>
/// One round as a state machine: arrivals and the time go in, one outcome comes out. It knows no threads, no clock and no bytes.
/// Used again for a later step after <see cref="Open"/>. Not thread-safe.
/// </summary>
public sealed class Round(RoundGroup group)
{
    private readonly bool[] arrived = new bool[group.Members.Length * group.Buckets];
    private readonly int[] arrivals = new int[group.Buckets];
    private int combined;

    public RoundId Id { get; private set; }

    /// <summary>Null while the round is open.</summary>
    public RoundOutcome? Outcome { get; private set; }

    /// <summary>Null while nobody waits in it.</summary>
    public TimeSpan? FirstArrival { get; private set; }

    public TimeSpan LastArrival { get; private set; }

    public bool IsAwaited => FirstArrival is not null;

    public void Open(long step)
    {
        Id = new RoundId(group.Job, group.Generation, step);
        Array.Clear(arrived);
        Array.Clear(arrivals);
        combined = 0;
        FirstArrival = null;
        Outcome = null;
    }

    /// <summary>A member brings a bucket.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="last">Everybody has brought it: it can be combined.</param>
    /// <returns>Null, or why it is not welcome.</returns>
    public string? Arrive(int rank, int bucket, TimeSpan now, out bool last)
    {
        last = false;
        if (Outcome is not null)
            return Outcome.Failure ?? $"{Id} is over";
        if (rank < 0 || rank >= group.Members.Length || bucket < 0 || bucket >= group.Buckets)
            return $"{Id} has no rank {rank} with a bucket {bucket}";
        ref bool here = ref arrived[rank * group.Buckets + bucket];
        if (here)
            return $"{group.Members[rank]} has brought bucket {bucket} to {Id} already";
        here = true;
        FirstArrival ??= now;
        LastArrival = now;
        last = ++arrivals[bucket] == group.Members.Length;
        return null;
    }

    /// <summary>A bucket that everybody brought has become the total. Returns the outcome when it was the last.</summary>
    public RoundOutcome? Combine(int bucket)
    {
        if (arrivals[bucket] < group.Members.Length)
            throw new InvalidOperationException($"bucket {bucket} of {Id} was combined before everybody had brought it");
        if (++combined < group.Buckets || Outcome is not null)
            return null;
        return Outcome = new RoundOutcome(Id, null, []);
    }

    /// <summary>Fails the round where its first member has waited for others longer than <paramref name="deadline"/>.</summary>
    public RoundOutcome? Check(TimeSpan now, TimeSpan deadline)
    {
        if (Outcome is not null || FirstArrival is not { } first || now - first <= deadline)
            return null;
        var missing = Missing();
        if (missing.IsEmpty)
            return null;
        string who = string.Join(", ", missing.Select(r => group.Members[r]));
        return Fail(FormattableString.Invariant(
            $"{who} {(missing.Length == 1 ? "has" : "have")} not arrived in {Id} for {(now - first).TotalSeconds:0.0} s"));
    }

    /// <param name="missing">Who is to blame; left out, those who have not brought every bucket.</param>
    public RoundOutcome? Fail(string reason, ImmutableArray<int>? missing = null) =>
        Outcome is not null ? null : Outcome = new RoundOutcome(Id, reason, missing ?? Missing());

    /// <summary>Ranks that have not brought every bucket.</summary>
    public ImmutableArray<int> Missing() =>
        [.. group.Members.Select(m => m.Rank).Where(r => arrived.AsSpan(r * group.Buckets, group.Buckets).Contains(false))];
}
