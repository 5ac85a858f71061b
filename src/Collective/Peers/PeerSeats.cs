using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Peers;

/// <summary>A round between processes with its bytes: what members here brought, what came from peers, and the totals until all are here.</summary>
internal sealed class PeerSeats
{
    private readonly ProcessGroup group;
    private readonly StagingPool pool;
    private readonly int members;
    private readonly Contribution[] contributions;
    private readonly Bucket[] buckets;
    private readonly RowRun[] runs;

    public PeerSeats(PeerTable table, StagingPool pool)
    {
        (Table, group, this.pool) = (table, table.Processes, pool);
        Round = new PeerRound(group);
        members = group.Ranks[group.Self].Length;
        contributions = new Contribution[group.Group.Buckets * members];
        buckets = [.. Enumerable.Range(0, group.Group.Buckets).Select(_ => new Bucket(group.Count))];
        runs = [.. Enumerable.Range(0, buckets.Length * group.Count).Select(i => new RowRun(this, i / group.Count, i % group.Count))];
        Told = new bool[group.Group.Buckets * members];
    }

    public PeerTable Table { get; }

    public PeerRound Round { get; }

    /// <summary>Buckets whose rows are being added at this moment, outside the lock.</summary>
    public int Combining { get; set; }

    public bool IsCombining => Combining > 0;

    /// <summary>Of which arrivals here peers have been told, by bucket and member.</summary>
    public bool[] Told { get; }

    public RowRun Run(int bucket, int process) => runs[bucket * group.Count + process];

    public bool HasArrived(int bucket, int member) => contributions[bucket * members + member].Done is not null;

    public void Take(int rank, int bucket, in Contribution contribution) =>
        contributions[bucket * members + group.Ranks[group.Self].IndexOf(rank)] = contribution;

    /// <summary>Adds the rows of the members here as far as that is possible without others.</summary>
    public void Gather(int bucket)
    {
        var here = contributions.AsSpan(bucket * members, members);
        TreeSum.Gather(group.Group.Shards, here, group.CoversIn(Round.Id.Step), buckets[bucket].Rows);
    }

    /// <summary>Bytes of a row of what members here brought.</summary>
    public long BytesHere(int bucket) => contributions[bucket * members].Rows is { Address: not 0 } rows ? rows.RowBytes : 0;

    public DType TypeHere(int bucket) => contributions[bucket * members].Rows.DType;

    public List<SubtreeRow> Rows(int bucket) => buckets[bucket].Rows;

    /// <returns>Whether all who speak of the bucket mean the same type.</returns>
    public bool IsOfType(int bucket, DType type)
    {
        var b = buckets[bucket];
        b.Type ??= type;
        return b.Type == type;
    }

    /// <summary>Remembers which shards a peer's row is the sum of.</summary>
    public void Describe(int process, in FrameHeader header)
    {
        var subtrees = buckets[header.Bucket].Subtrees[process];
        CollectionsMarshal.SetCount(subtrees, header.Rows);
        if (header.Row < header.Rows)
            subtrees[header.Row] = new ShardRange(header.First, header.Count);
    }

    /// <summary>Keeps a peer's row of a segment until the others are here.</summary>
    public unsafe void Store(int process, in FrameHeader header, nint payload)
    {
        if (header.Length == 0)
            return;
        var (cut, stored) = (Round.Cut(header.Bucket), buckets[header.Bucket].Stored[process]);
        if (stored.Count < header.Rows)
            CollectionsMarshal.SetCount(stored, header.Rows);
        var staging = stored[header.Row] ??= pool.Take((long)cut.Owned(group.Self) * cut.SegmentBytes);
        Buffer.MemoryCopy((void*)payload, (void*)Stored(staging, cut, header.Segment), header.Length, header.Length);
    }

    /// <summary>Adds all rows of a segment. The last to come need not have been stored: it lies at <paramref name="payload"/>.</summary>
    /// <param name="process">Whose row lies there; −1: nobody's.</param>
    /// <exception cref="InvalidOperationException">The rows are not disjoint subtrees.</exception>
    public void Sum(int bucket, int segment, int process, int row, nint payload)
    {
        var (b, cut) = (buckets[bucket], Round.Cut(bucket));
        b.Program ??= Program(b);
        if (b.Program.Rows == 0 || cut.Bytes == 0)
        {
            b.IsEmpty = true;
            return;
        }

        Span<nint> addresses = stackalloc nint[b.Program.Rows];
        int at = 0;
        for (int p = 0; p < group.Count; p++)
        {
            if (p == group.Self)
            {
                foreach (var own in b.Rows)
                    addresses[at++] = own.Address + (nint)cut.Offset(segment);
                continue;
            }

            for (int r = 0; r < b.Subtrees[p].Count; r++)
                addresses[at++] = p == process && r == row ? payload : Stored(b.Stored[p][r]!, cut, segment);
        }

        if (b.Program.Places > 0 && b.Places is null)
            b.Places = pool.Take((long)b.Program.Places * cut.SegmentBytes);
        b.Program.Run(addresses, Total(bucket, segment), b.Places?.Address ?? 0, cut.SegmentBytes, cut.Length(segment), b.Type!.Value);
    }

    /// <summary>Whether nobody had a row of the bucket, so that there is no total.</summary>
    public bool IsEmpty(int bucket) => buckets[bucket].IsEmpty;

    /// <summary>A segment's total to be sent: it counts one more user of the staging.</summary>
    public Staging Share(int bucket)
    {
        var totals = buckets[bucket].Totals!;
        totals.AddUser();
        return totals;
    }

    /// <summary>Where a segment's total is kept.</summary>
    public nint Total(int bucket, int segment)
    {
        var (b, cut) = (buckets[bucket], Round.Cut(bucket));
        b.Totals ??= pool.Take(cut.Bytes);
        return b.Totals.Address + (nint)cut.Offset(segment);
    }

    public unsafe void KeepTotal(in FrameHeader header, nint payload)
    {
        if (header.Length == 0)
            buckets[header.Bucket].IsEmpty = true;
        else
            Buffer.MemoryCopy((void*)payload, (void*)Total(header.Bucket, header.Segment), header.Length, header.Length);
    }

    /// <summary>Puts the totals into the first row of every member here. Only now what they brought is overwritten.</summary>
    public unsafe void Deliver()
    {
        for (int b = 0; b < buckets.Length; b++)
        {
            long bytes = Round.Cut(b).Bytes;
            if (buckets[b].IsEmpty || bytes == 0)
                continue;
            foreach (ref readonly var contribution in contributions.AsSpan(b * members, members))
                Buffer.MemoryCopy((void*)buckets[b].Totals!.Address, (void*)contribution.Rows.Address, bytes, bytes);
        }
    }

    public void Signal(string? failure)
    {
        foreach (ref var contribution in contributions.AsSpan())
        {
            var done = contribution.Done;
            contribution = default;
            if (failure is null)
                done.Complete();
            else
                done?.Fail(failure);
        }
    }

    /// <summary>Ready for another round; its memory goes back.</summary>
    public void Reset()
    {
        foreach (var bucket in buckets)
            bucket.Reset();
        Array.Clear(Told);
    }

    private SumProgram Program(Bucket bucket)
    {
        Span<ShardRange> rows = stackalloc ShardRange[bucket.Rows.Count + bucket.Subtrees.Sum(s => s.Count)];
        int at = 0;
        for (int p = 0; p < group.Count; p++)
        {
            if (p == group.Self)
            {
                foreach (var own in bucket.Rows)
                    rows[at++] = own.Shards;
                continue;
            }

            foreach (var subtree in bucket.Subtrees[p])
                rows[at++] = subtree;
        }

        return group.Programs.Of(rows);
    }

    private nint Stored(Staging staging, in BucketCut cut, int segment) => staging.Address + (nint)((long)cut.Ordinal(segment) * cut.SegmentBytes);

    private sealed class Bucket(int processes)
    {
        public List<SubtreeRow> Rows { get; } = [];

        public List<ShardRange>[] Subtrees { get; } = [.. Enumerable.Range(0, processes).Select(_ => new List<ShardRange>())];

        public List<Staging?>[] Stored { get; } = [.. Enumerable.Range(0, processes).Select(_ => new List<Staging?>())];

        public DType? Type { get; set; }

        public Staging? Totals { get; set; }

        public Staging? Places { get; set; }

        public SumProgram? Program { get; set; }

        public bool IsEmpty { get; set; }

        public void Reset()
        {
            Rows.Clear();
            foreach (var subtrees in Subtrees)
                subtrees.Clear();
            foreach (var stored in Stored)
            {
                foreach (var staging in stored)
                    staging?.Release();
                stored.Clear();
            }

            Totals?.Release();
            Places?.Release();
            (Type, Totals, Places, Program, IsEmpty) = (null, null, null, null, false);
        }
    }
}
