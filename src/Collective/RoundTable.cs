using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>
/// Where the members of one generation that share a process meet. The last to bring a bucket combines it, on its own thread, while
/// nobody waits blocked; all are told when the whole round is done, so that no member updates on half a step.
/// </summary>
internal sealed class RoundTable(RoundGroup group, IRoundObserver? observer, TimeProvider time) : IRounds
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, Seats> open = [];
    private readonly Stack<Seats> unused = new();
    private readonly StepPace pace = new(time.GetElapsedTime(0, time.GetTimestamp()));
    private string? broken;
    private long closedUpTo = long.MinValue;
    private long? completed;

    public RoundGroup Group => group;

    /// <summary>The last step whose round completed.</summary>
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
        {
            if (broken is null && step > closedUpTo)
                Find(step);
        }
    }

    public void Begin(long step, int rank, int bucket, in Contribution contribution)
    {
        string? refusal;
        Seats? seats = null;
        bool last = false, first = false;
        lock (gate)
        {
            refusal = broken ?? (step <= closedUpTo ? $"{new RoundId(group.Job, group.Generation, step)} is over" : null);
            if (refusal is null)
            {
                seats = Find(step);
                first = !seats.Round.IsAwaited;
                refusal = seats.Round.Arrive(rank, bucket, Now, out last);
            }

            if (refusal is null)
                seats!.Take(rank, bucket, contribution, combining: last);
        }

        if (refusal is not null)
        {
            contribution.Done.Fail(refusal);
            return;
        }

        if (first)
            observer?.Started(new RoundId(group.Job, group.Generation, step));
        if (last)
            Combine(seats!, bucket);
    }

    public void Watch(StepDeadline deadline)
    {
        List<RoundOutcome>? failed = null;
        lock (gate)
        {
            foreach (var seats in open.Values)
            {
                if (seats.Round.FirstArrival is { } first && seats.Round.Check(Now, pace.Allow(first, deadline)) is { } outcome)
                    (failed ??= []).Add(outcome);
            }
        }

        if (failed is not null)
            Break(failed[0].Failure!, failed);
    }

    public void Break(string reason) => Break(reason, null);

    private void Break(string reason, List<RoundOutcome>? failed)
    {
        var told = new List<Seats>();
        failed ??= [];
        lock (gate)
        {
            broken ??= reason;
            foreach (var seats in open.Values)
            {
                if (seats.Round.IsAwaited && seats.Round.Fail(reason) is { } outcome)
                    failed.Add(outcome);
                if (!seats.IsCombining)
                    told.Add(seats);
            }

            foreach (var seats in told)
                open.Remove(seats.Round.Id.Step);
        }

        foreach (var seats in told)
            seats.Signal(seats.Round.Outcome?.Failure ?? reason);
        foreach (var outcome in failed)
            observer?.Ended(outcome);
    }

    private TimeSpan Now => time.GetElapsedTime(0, time.GetTimestamp());

    private void Combine(Seats seats, int bucket)
    {
        string? failure = null;
        try
        {
            TreeSum.Combine(group.Shards, seats.Bucket(bucket));
        }
        catch (Exception e)
        {
            failure = $"bucket {bucket} of {seats.Round.Id} could not be combined: {e.Message}";
        }

        RoundOutcome? outcome;
        bool over;
        lock (gate)
        {
            seats.Combining--;
            outcome = failure is null ? seats.Round.Combine(bucket) : seats.Round.Fail(failure);
            // A round that failed while this was at work left its members to be told here: until now their rows were in use.
            over = seats.Round.Outcome is not null && !seats.IsCombining;
            if (outcome is { Completed: true })
                completed = Math.Max(completed ?? long.MinValue, seats.Round.Id.Step);
            if (over)
            {
                open.Remove(seats.Round.Id.Step);
                closedUpTo = Math.Max(closedUpTo, seats.Round.Id.Step);
                if (seats.Round.Outcome!.Completed)
                    pace.Completed(seats.Round.FirstArrival!.Value, seats.Round.LastArrival, Now);
            }
        }

        if (over)
        {
            seats.Signal(seats.Round.Outcome!.Failure);
            lock (gate)
                unused.Push(seats);
        }

        if (outcome is null)
            return;
        observer?.Ended(outcome);
        if (failure is not null)
            Break(failure, null);
    }

    private Seats Find(long step)
    {
        if (open.TryGetValue(step, out var seats))
            return seats;
        if (!unused.TryPop(out seats))
            seats = new Seats(group);
        seats.Round.Open(step);
        open.Add(step, seats);
        return seats;
    }

    /// <summary>A round with what its members brought.</summary>
    private sealed class Seats(RoundGroup group)
    {
        private readonly Contribution[] contributions = new Contribution[group.Buckets * group.Members.Length];

        public Round Round { get; } = new(group);

        /// <summary>Buckets being combined at this moment, outside the lock.</summary>
        public int Combining { get; set; }

        public bool IsCombining => Combining > 0;

        public void Take(int rank, int bucket, in Contribution contribution, bool combining)
        {
            contributions[bucket * group.Members.Length + rank] = contribution;
            if (combining)
                Combining++;
        }

        public ReadOnlySpan<Contribution> Bucket(int bucket) => contributions.AsSpan(bucket * group.Members.Length, group.Members.Length);

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
    }
}
