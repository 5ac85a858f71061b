using System.Collections.Immutable;

namespace Singa.Actors.Collective.Peers;

/// <summary>What became of something that a peer sent.</summary>
internal enum Taken
{
    /// <summary>It is kept until the rest is here.</summary>
    Kept,

    /// <summary>It was the last that its segment lacked.</summary>
    Ready,

    /// <summary>It has been here before, or the round is over.</summary>
    Needless,

    /// <summary>It fits no round of this group.</summary>
    Wrong,
}

/// <summary>
/// A round between processes as one of them sees it: arrivals here, what peers send, and the time go in; what can be added and one
/// outcome come out. It knows no threads, no clock and no bytes. Each segment is added by the process that owns it, which sends the total to
/// the others. Used again for a later step after <see cref="Open"/>. Not thread-safe.
/// </summary>
internal sealed class PeerRound
{
    private readonly ProcessGroup group;
    private readonly Round ranks;
    private readonly PeerBucket[] buckets;
    private readonly int[] arrivedHere;
    private readonly TimeSpan[] heard;
    private readonly bool[] gone;

    public PeerRound(ProcessGroup group)
    {
        this.group = group;
        ranks = new Round(group.Group);
        buckets = [.. Enumerable.Range(0, group.Group.Buckets).Select(b => new PeerBucket(group, b))];
        arrivedHere = new int[buckets.Length];
        heard = new TimeSpan[group.Count];
        gone = new bool[group.Count];
    }

    public RoundId Id => ranks.Id;

    /// <summary>Null while the round is open.</summary>
    public RoundOutcome? Outcome => ranks.Outcome;

    /// <summary>Null while nobody, here or elsewhere, has arrived.</summary>
    public TimeSpan? FirstArrival => ranks.FirstArrival;

    public TimeSpan LastArrival => ranks.LastArrival;

    public void Open(long step)
    {
        ranks.Open(step);
        foreach (var bucket in buckets)
            bucket.Open();
        Array.Clear(arrivedHere);
        Array.Clear(heard);
        Array.Clear(gone);
    }

    public BucketCut Cut(int bucket) => buckets[bucket].Cut;

    /// <summary>A member of this process brings a bucket.</summary>
    /// <param name="last">All members of this process have brought it: their rows can be added and <see cref="Bring"/> follows.</param>
    /// <returns>Null, or why it is not welcome.</returns>
    public string? Arrive(int rank, int bucket, TimeSpan now, out bool last)
    {
        last = false;
        if (rank >= 0 && rank < group.Group.Members.Length && group.ProcessOf(rank) != group.Self)
            return $"{group.Group.Members[rank]} does not live in this process";
        if (ranks.Arrive(rank, bucket, now, out _) is { } refusal)
            return refusal;
        last = ++arrivedHere[bucket] == group.Ranks[group.Self].Length;
        return null;
    }

    /// <summary>The rows of this process are ready to be sent.</summary>
    /// <returns>Null, or why they do not fit those of others.</returns>
    public string? Bring(int bucket, long bytes)
    {
        var here = buckets[bucket];
        if (!here.Fits(bytes))
            return $"members bring buckets of {here.Cut.Bytes} and {bytes} bytes to one round";
        here.Bring(gone);
        Progress(bucket);
        return null;
    }

    /// <summary>A peer's word that one of its ranks has arrived. Not needed where rows or totals tell as much.</summary>
    public void Note(int process, int rank, int bucket, TimeSpan now)
    {
        if (rank < 0 || rank >= group.Group.Members.Length || group.ProcessOf(rank) != process)
            return;
        heard[process] = now;
        ranks.Arrive(rank, bucket, now, out _);
    }

    /// <summary>A peer's row of a segment that is added here. <paramref name="rows"/> is 0 where it has none of this bucket.</summary>
    public Taken Row(int process, int bucket, int segment, int row, int rows, long bytes, TimeSpan now)
    {
        if (process == group.Self || (uint)bucket >= (uint)buckets.Length)
            return Taken.Wrong;
        if (Outcome is not null)
            return Taken.Needless;
        var here = buckets[bucket];
        if (!here.Fits(bytes))
        {
            ranks.Fail($"{Names(group.Ranks[process])} and others bring buckets of {bytes} and {here.Cut.Bytes} bytes to {Id}");
            return Taken.Needless;
        }

        var taken = here.Row(process, segment, row, rows);
        if (taken is not Taken.Wrong)
        {
            heard[process] = now;
            Arrived(process, bucket, now);
        }

        return taken;
    }

    /// <summary>Whether all rows of a segment that is added here are here, and it has not been added.</summary>
    public bool IsReady(int bucket, int segment) => Outcome is null && buckets[bucket].IsReady(segment);

    /// <summary>A segment has been added here.</summary>
    public void Summed(int bucket, int segment)
    {
        buckets[bucket].HasTotal(segment);
        Progress(bucket);
    }

    /// <summary>A segment's owner sends its total: to be kept where the answer is <see cref="Taken.Ready"/>.</summary>
    public Taken Total(int process, int bucket, int segment, TimeSpan now)
    {
        if (process == group.Self || (uint)bucket >= (uint)buckets.Length)
            return Taken.Wrong;
        if (Outcome is not null)
            return Taken.Needless;
        var taken = buckets[bucket].Total(process, segment);
        if (taken is Taken.Ready)
            heard[process] = now;
        return taken;
    }

    /// <summary>A total that <see cref="Total"/> asked to be kept has been.</summary>
    public void Kept(int bucket) => Progress(bucket);

    /// <summary>Whether the rows of this process are ready for a peer and have not left.</summary>
    public bool IsUnsent(int process, int bucket) => buckets[bucket].IsUnsent(process);

    /// <summary>This process's rows of a bucket have left for a peer: their memory is not needed for it any more.</summary>
    public void Sent(int process, int bucket)
    {
        buckets[bucket].Sent(process);
        Progress(bucket);
    }

    /// <summary>
    /// Nothing more will come from a peer, nor does it want anything. The round fails if it lacks something of it, and goes on otherwise.
    /// </summary>
    /// <param name="missing">Ranks to blame beside those of the peer that have not arrived.</param>
    public RoundOutcome? Leave(int process, string reason, ImmutableArray<int> missing)
    {
        if (Outcome is not null || gone[process])
            return null;
        gone[process] = true;
        if (Needs(process))
            return ranks.Fail(reason, missing);
        for (int b = 0; b < buckets.Length; b++)
        {
            buckets[b].Sent(process);
            Progress(b);
        }

        return Outcome;
    }

    /// <summary>Fails the round where somebody is waited for longer than <paramref name="limit"/>.</summary>
    public RoundOutcome? Check(TimeSpan now, TimeSpan limit)
    {
        if (Outcome is not null || FirstArrival is not { } first)
            return null;
        var absent = ranks.Missing();
        var late = absent.Where(r => now - Since(r, first) > limit).ToImmutableArray();
        if (!late.IsEmpty)
            return ranks.Fail($"{Names(late)} {Have(late)} not arrived in {Id} for {Seconds(now - first)} s", late);
        if (!absent.IsEmpty)
            return null;
        ImmutableArray<int> silent = [.. Enumerable.Range(0, group.Count)
            .Where(p => p != group.Self && (Needs(p) || IsUnsent(p)) && now - Later(LastArrival, heard[p]) > limit).SelectMany(p => group.Ranks[p])];
        return silent.IsEmpty
            ? null
            : ranks.Fail($"{Names(silent)} {Have(silent)} arrived in {Id}, but nothing has moved between there and here for {Seconds(now - LastArrival)} s", silent);
    }

    /// <summary>Ranks that have not brought every bucket, as far as is known here.</summary>
    public ImmutableArray<int> Missing() => ranks.Missing();

    public RoundOutcome? Fail(string reason) => ranks.Fail(reason);

    private void Progress(int bucket)
    {
        if (Outcome is not null || !buckets[bucket].Complete())
            return;
        // A peer whose rows others add shows only by the totals that it has arrived.
        for (int p = 0; p < group.Count; p++)
            Arrived(p, bucket, LastArrival);
        ranks.Combine(bucket);
    }

    private void Arrived(int process, int bucket, TimeSpan now)
    {
        if (!buckets[bucket].Arrive(process))
            return;
        foreach (int rank in group.Ranks[process])
            ranks.Arrive(rank, bucket, now, out _);
    }

    /// <summary>Whether something of a peer is lacking.</summary>
    public bool Needs(int process)
    {
        foreach (var bucket in buckets)
        {
            if (bucket.Needs(process))
                return true;
        }

        return false;
    }

    private bool IsUnsent(int process)
    {
        foreach (var bucket in buckets)
        {
            if (bucket.IsUnsent(process))
                return true;
        }

        return false;
    }

    private TimeSpan Since(int rank, TimeSpan first) => group.ProcessOf(rank) is var p && p == group.Self ? first : Later(first, heard[p]);

    private string Names(ImmutableArray<int> who) => string.Join(", ", who.Select(r => group.Group.Members[r]));

    private static string Have(ImmutableArray<int> who) => who.Length == 1 ? "has" : "have";

    private static string Seconds(TimeSpan time) => FormattableString.Invariant($"{time.TotalSeconds:0.0}");

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
