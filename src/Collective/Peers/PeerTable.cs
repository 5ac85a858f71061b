using System.Collections.Immutable;
using Singa.Actors.Graph;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// Where the members of one generation meet that live in several processes. Members here meet first; what they can add without others is
/// then exchanged with the other processes, each of which adds some segments. Executors bring buckets, the poller's thread brings what
/// peers send; whoever brings the last piece of something does what it makes possible.
/// </summary>
internal sealed class PeerTable(ProcessGroup group, uint number, IRoundObserver? observer, TimeProvider time) : IRounds
{
    private const int MostOpen = 64;
    private const long LargestBucket = 1L << 37;
    private static readonly TimeSpan TellAfter = TimeSpan.FromMilliseconds(200);

    private readonly Lock gate = new();
    private readonly StagingPool pool = new();
    private readonly Dictionary<long, PeerSeats> open = [];
    private readonly Stack<PeerSeats> unused = new();
    private readonly StepPace pace = new(time.GetElapsedTime(0, time.GetTimestamp()));
    private readonly (Link? Link, uint Number)[] links = new (Link?, uint)[group.Count];
    private readonly bool[] gone = new bool[group.Count];
    private string? broken;
    private ImmutableArray<int> blamed = [];
    private bool hasLeft;
    private long closedUpTo = long.MinValue;
    private long? completed;

    public RoundGroup Group => group.Group;

    public ProcessGroup Processes => group;

    /// <summary>What peers call this generation by.</summary>
    public uint Number => number;

    public Announcement Announcement => new(Group.Job, Group.Generation, group.Digest, number);

    /// <summary>Not null once it is broken.</summary>
    public Farewell? Farewell
    {
        get
        {
            lock (gate)
                return broken is null ? null : new Farewell(Group.Job, Group.Generation, broken, blamed);
        }
    }

    public long? LastCompleted
    {
        get
        {
            lock (gate)
                return completed;
        }
    }

    public void Prepare(long step)
    {
        lock (gate)
            Find(step);
    }

    public void Begin(long step, int rank, int bucket, in Contribution contribution)
    {
        string? refusal;
        PeerSeats? seats;
        bool last = false, first = false;
        lock (gate)
        {
            seats = Find(step);
            refusal = seats is null ? broken ?? (step <= closedUpTo ? $"{Id(step)} is over" : $"{Id(step)} is too far ahead") : null;
            if (seats is not null)
            {
                first = seats.Round.FirstArrival is null;
                refusal = seats.Round.Arrive(rank, bucket, Now, out last);
                if (refusal is null)
                    seats.Take(rank, bucket, contribution);
                if (last)
                    seats.Combining++;
            }
        }

        if (refusal is not null)
        {
            contribution.Done.Fail(refusal);
            return;
        }

        if (first)
            observer?.Started(Id(step));
        if (last)
            Bring(seats!, step, bucket);
    }

    public void Watch(StepDeadline deadline)
    {
        RoundOutcome? failed = null;
        lock (gate)
        {
            foreach (var seats in open.Values)
            {
                if (seats.Round.FirstArrival is not { } first || seats.Round.Outcome is not null)
                    continue;
                failed ??= seats.Round.Check(Now, pace.Allow(first, deadline));
                if (failed is null && Now - first > TellAfter)
                    TellArrivals(seats);
            }
        }

        if (failed is not null)
            Break(failed.Failure!, failed.Missing);
        PumpAll();
    }

    /// <summary>Ranks that have not arrived in a round as far as is known here; all of them where it is not open.</summary>
    public ImmutableArray<int> Missing(long step)
    {
        lock (gate)
            return open.TryGetValue(step, out var seats) ? seats.Round.Missing() : [.. Group.Members.Select(m => m.Rank)];
    }

    public void Break(string reason) => Break(reason, []);

    /// <summary>A peer takes part as well: from now on rows go to it.</summary>
    /// <param name="itsNumber">What it calls the generation by.</param>
    public void Join(int process, Link link, uint itsNumber)
    {
        lock (gate)
        {
            if (gone[process] || links[process] == (link, itsNumber))
                return;
            links[process] = (link, itsNumber);
            foreach (var seats in open.Values)
            {
                for (int b = 0; b < Group.Buckets; b++)
                    SendRows(seats, b, process);
            }
        }

        link.Pump();
    }

    /// <summary>Nothing more comes from a peer. Rounds that lack nothing of it go on; no later one does.</summary>
    public void Leave(int process, string reason, ImmutableArray<int> missing)
    {
        List<PeerSeats> ended = [];
        lock (gate)
        {
            if (gone[process])
                return;
            gone[process] = true;
            var link = links[process].Link;
            links[process] = default;
            foreach (var seats in open.Values.ToArray())
            {
                link?.Queue.Detach(seats);
                if (seats.Round.FirstArrival is not null)
                    seats.Round.Leave(process, reason, missing);
                if (End(seats) is { } over)
                    ended.Add(over);
            }
        }

        Spoil(reason, missing);
        foreach (var seats in ended)
            Finish(seats);
    }

    /// <summary>A frame of this generation from a peer, on the poller's thread.</summary>
    /// <exception cref="HandshakeException">It makes no sense.</exception>
    public void Take(int process, in FrameHeader header, nint payload)
    {
        if ((uint)header.Bucket >= (uint)Group.Buckets || header.BucketBytes is < 0 or > LargestBucket || header.Row < 0)
            throw new HandshakeException(Refusal.Malformed, $"a frame of bucket {header.Bucket} of a job with {Group.Buckets}");
        PeerSeats? ended, seats;
        bool first;
        lock (gate)
        {
            seats = Find(header.Step);
            if (seats is null)
                return;
            first = seats.Round.FirstArrival is null;
            var taken = header.Kind switch
            {
                FrameKind.Row => TakeRow(seats, process, header, payload),
                FrameKind.Total => TakeTotal(seats, process, header, payload),
                _ => TakeArrival(seats, process, header),
            };
            if (taken is Taken.Wrong)
                throw new HandshakeException(Refusal.Malformed, $"a frame {header.Kind} of segment {header.Segment} of bucket {header.Bucket} that fits no round");
            ended = End(seats);
        }

        if (first)
            observer?.Started(Id(header.Step));
        if (ended is not null)
            Finish(ended);
    }

    /// <summary>Rows have left for a peer.</summary>
    public void Sent(RowRun run, int use)
    {
        PeerSeats? ended = null;
        lock (gate)
        {
            if (run.Use != use || !open.ContainsValue(run.Seats))
                return;
            run.Seats.Round.Sent(run.Process, run.Bucket);
            ended = End(run.Seats);
        }

        if (ended is not null)
            Finish(ended);
    }

    /// <summary>Its memory is given back as soon as nothing is sent from it.</summary>
    public void Close() => pool.Close();

    private TimeSpan Now => time.GetElapsedTime(0, time.GetTimestamp());

    private RoundId Id(long step) => new(Group.Job, Group.Generation, step);

    private void Bring(PeerSeats seats, long step, int bucket)
    {
        string? failure = null;
        try
        {
            seats.Gather(bucket);
        }
        catch (Exception e)
        {
            failure = e.Message;
        }

        PeerSeats? ended;
        lock (gate)
        {
            seats.Combining--;
            if (seats.Round.Outcome is null)
            {
                if (!seats.IsOfType(bucket, seats.TypeHere(bucket)))
                    failure ??= $"members bring {seats.TypeHere(bucket)} and another type";
                failure ??= seats.Round.Bring(bucket, seats.BytesHere(bucket));
                if (failure is not null)
                    seats.Round.Fail($"bucket {bucket} of {seats.Round.Id} could not be combined: {failure}");
                for (int p = 0; failure is null && p < group.Count; p++)
                    SendRows(seats, bucket, p);
            }

            ended = End(seats);
        }

        if (ended is not null)
        {
            Finish(ended);
            return;
        }

        PumpAll();
        AddReady(seats, step, bucket);
        PumpAll();
    }

    /// <summary>Adds the segments whose rows have all come before those of this process. Between two others may go on.</summary>
    private void AddReady(PeerSeats seats, long step, int bucket)
    {
        for (int i = 0; ; i++)
        {
            PeerSeats? ended = null;
            lock (gate)
            {
                if (!open.TryGetValue(step, out var present) || present != seats || seats.Round.Outcome is not null)
                    return;
                var cut = seats.Round.Cut(bucket);
                if (i == cut.Owned(group.Self))
                    return;
                int segment = cut.Segment(group.Self, i);
                if (seats.Round.IsReady(bucket, segment))
                {
                    Add(seats, bucket, segment, -1, 0, 0);
                    ended = End(seats);
                }
            }

            if (ended is not null)
                Finish(ended);
        }
    }

    private Taken TakeRow(PeerSeats seats, int process, in FrameHeader header, nint payload)
    {
        if (!seats.IsOfType(header.Bucket, (DType)header.Type))
        {
            seats.Round.Fail($"{Group.Members[group.Ranks[process][0]]} brings {(DType)header.Type} to bucket {header.Bucket} of {seats.Round.Id}, others another type");
            return Taken.Needless;
        }

        var taken = seats.Round.Row(process, header.Bucket, header.Segment, header.Row, header.Rows, header.BucketBytes, Now);
        if (taken is Taken.Wrong or Taken.Needless)
            return taken;
        if (header.Length != (header.Rows == 0 ? 0 : seats.Round.Cut(header.Bucket).Length(header.Segment)))
            return Taken.Wrong;
        seats.Describe(process, header);
        if (taken is Taken.Ready)
            Add(seats, header.Bucket, header.Segment, process, header.Row, payload);
        else
            seats.Store(process, header, payload);
        return taken;
    }

    private Taken TakeTotal(PeerSeats seats, int process, in FrameHeader header, nint payload)
    {
        var taken = seats.Round.Total(process, header.Bucket, header.Segment, Now);
        if (taken is not Taken.Ready)
            return taken;
        if (header.Length != (header.Rows == 0 ? 0 : seats.Round.Cut(header.Bucket).Length(header.Segment)))
            return Taken.Wrong;
        seats.KeepTotal(header, payload);
        seats.Round.Kept(header.Bucket);
        return taken;
    }

    private Taken TakeArrival(PeerSeats seats, int process, in FrameHeader header)
    {
        seats.Round.Note(process, header.Row, header.Bucket, Now);
        return Taken.Kept;
    }

    private void Add(PeerSeats seats, int bucket, int segment, int process, int row, nint payload)
    {
        try
        {
            seats.Sum(bucket, segment, process, row, payload);
        }
        catch (InvalidOperationException e)
        {
            seats.Round.Fail($"bucket {bucket} of {seats.Round.Id} could not be combined: {e.Message}");
            return;
        }

        bool empty = seats.IsEmpty(bucket);
        for (int p = 0; !group.Direct && p < links.Length; p++)
        {
            if (links[p].Link is not { } link)
                continue;
            var header = Header(seats, FrameKind.Total, bucket) with { Group = links[p].Number, Segment = segment, Rows = empty ? (ushort)0 : (ushort)1 };
            if (empty)
                link.Queue.Add(new Frame(header));
            else
                link.Queue.Add(new Frame(header with { Length = seats.Round.Cut(bucket).Length(segment) }, seats.Total(bucket, segment), seats.Share(bucket)));
        }

        seats.Round.Summed(bucket, segment);
    }

    private void SendRows(PeerSeats seats, int bucket, int process)
    {
        if (links[process].Link is not { } link || seats.Round.Outcome is not null || !seats.Round.IsUnsent(process, bucket))
            return;
        var run = seats.Run(bucket, process);
        run.Start(links[process].Number, Header(seats, FrameKind.Row, bucket));
        link.Queue.Add(run);
    }

    private FrameHeader Header(PeerSeats seats, FrameKind kind, int bucket) => new()
    {
        Kind = kind,
        Type = (byte)seats.TypeHere(bucket),
        Rows = (ushort)seats.Rows(bucket).Count,
        Bucket = bucket,
        Step = seats.Round.Id.Step,
        BucketBytes = seats.BytesHere(bucket),
    };

    /// <summary>
    /// A round takes long: peers learn who has arrived here, so that nobody is blamed for another. In a quick round nobody needs to know.
    /// </summary>
    private void TellArrivals(PeerSeats seats)
    {
        var here = group.Ranks[group.Self];
        for (int i = 0; i < seats.Told.Length; i++)
        {
            var (bucket, member) = (i / here.Length, i % here.Length);
            if (seats.Told[i] || !seats.HasArrived(bucket, member))
                continue;
            seats.Told[i] = true;
            foreach (var (link, itsNumber) in links)
                link?.Queue.Add(new Frame(Header(seats, FrameKind.Arrived, bucket) with { Group = itsNumber, Row = here[member] }));
        }
    }

    /// <summary>Null where nobody may meet in it any more.</summary>
    private PeerSeats? Find(long step)
    {
        if (open.TryGetValue(step, out var seats))
            return broken is null || seats.Round.FirstArrival is not null ? seats : null;
        if (broken is not null || step <= closedUpTo || open.Count == MostOpen)
            return null;
        if (!unused.TryPop(out seats))
            seats = new PeerSeats(this, pool);
        seats.Round.Open(step);
        open.Add(step, seats);
        return seats;
    }

    /// <summary>Takes a round that is over out of the open ones, once. It is finished outside the lock.</summary>
    private PeerSeats? End(PeerSeats seats)
    {
        if (seats.Round.Outcome is not { } outcome || seats.IsCombining || !open.Remove(seats.Round.Id.Step))
            return null;
        closedUpTo = Math.Max(closedUpTo, seats.Round.Id.Step);
        if (outcome.Completed)
        {
            completed = Math.Max(completed ?? long.MinValue, seats.Round.Id.Step);
            pace.Completed(seats.Round.FirstArrival!.Value, seats.Round.LastArrival, Now);
        }

        return seats;
    }

    private void Finish(PeerSeats seats)
    {
        var outcome = seats.Round.Outcome;
        if (outcome is { Completed: true })
            seats.Deliver();
        else
            DetachAll(seats);
        seats.Signal(outcome is null ? broken : outcome.Failure);
        if (outcome is not null)
            observer?.Ended(outcome);
        lock (gate)
        {
            seats.Reset();
            unused.Push(seats);
            TakeLeave();
        }

        PumpAll();

        // What a peer's leaving does to a round is no matter of the others; they may still be completed.
        if (outcome is { Completed: false } && Farewell is null)
            Break(outcome.Failure!, outcome.Missing);
    }

    private void Break(string reason, ImmutableArray<int> missing)
    {
        List<PeerSeats> ended = [];
        lock (gate)
        {
            if (broken is null)
                (broken, blamed) = (reason, missing);
            foreach (var seats in open.Values.ToArray())
            {
                if (seats.Round.FirstArrival is not null)
                    seats.Round.Fail(reason);
                if (seats.IsCombining)
                    continue;
                open.Remove(seats.Round.Id.Step);
                ended.Add(seats);
            }

            TakeLeave();
        }

        foreach (var seats in ended)
            Finish(seats);
        PumpAll();
    }

    /// <summary>No later round is begun.</summary>
    private void Spoil(string reason, ImmutableArray<int> missing)
    {
        lock (gate)
        {
            if (broken is null)
                (broken, blamed) = (reason, missing);
            TakeLeave();
        }

        PumpAll();
    }

    /// <summary>
    /// Peers are told that nothing more comes from here, nor is wanted; after what they may still need, and not while a round goes on.
    /// </summary>
    private void TakeLeave()
    {
        if (broken is null || hasLeft)
            return;
        foreach (var seats in open.Values)
        {
            if (seats.Round.FirstArrival is not null)
                return;
        }

        hasLeft = true;
        var farewell = new Farewell(Group.Job, Group.Generation, broken, blamed).ToFrame();
        foreach (var (link, _) in links)
            link?.Queue.Add(farewell);
    }

    private void DetachAll(PeerSeats seats)
    {
        lock (gate)
        {
            foreach (var (link, _) in links)
                link?.Queue.Detach(seats);
        }
    }

    private void PumpAll()
    {
        for (int p = 0; p < links.Length; p++)
        {
            Link? link;
            lock (gate)
                link = links[p].Link;
            link?.Pump();
        }
    }
}
