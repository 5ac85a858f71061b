namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// When a worker admits what to its device: prepared batches in order, a fixed number ahead, so that the device never waits for
/// an actor; nothing beyond a step after which the weights are to be read, until they have been, and no step that is not allowed yet.
/// </summary>
/// <param name="next">The first step of all.</param>
/// <param name="limit">Steps below it are allowed.</param>
/// <remarks>
/// The device may end two submissions in another order than they were admitted, where no hazard forbids: a test can be done
/// before the sums of the step before it have come down. They are reported in order all the same.
/// </remarks>
internal sealed class StepPipeline(int ahead, long next = 0, long limit = long.MaxValue)
{
    private readonly Queue<PreparedBatch> prepared = new();
    private readonly Queue<Admitted> admitted = new();
    private long previousEnd = long.MinValue;

    private long saved = -1;
    private int holds;

    public bool IsHeld => holds > 0;

    /// <summary>The first step that was not admitted.</summary>
    public long Next { get; private set; } = next;

    /// <summary>Steps below it are admitted.</summary>
    public long Limit { get; set; } = limit;

    public void Offer(PreparedBatch batch) => prepared.Enqueue(batch);

    /// <summary>The next batch to admit now, or null.</summary>
    /// <param name="timestamp">Of <see cref="TimeProvider.GetTimestamp"/>.</param>
    public PreparedBatch? Admit(long timestamp)
    {
        if (IsHeld || admitted.Count >= ahead || !prepared.TryPeek(out var batch))
            return null;
        if (batch.Item is WorkItem.Train train)
        {
            if (train.Step.Step >= Limit || IsSaveDue(train))
                return null;
            Next = train.Step.Step + 1;
            holds += train.DigestAfter ? 1 : 0;
        }

        admitted.Enqueue(new Admitted(prepared.Dequeue(), timestamp));
        return batch;
    }

    /// <summary>The step before which the replica is to be copied now, because everything before it is done. Holds until <see cref="Release"/>.</summary>
    public long? TakeSave()
    {
        if (IsHeld || admitted.Count > 0 || !prepared.TryPeek(out var batch)
            || batch.Item is not WorkItem.Train train || train.Step.Step >= Limit || !IsSaveDue(train))
        {
            return null;
        }

        Hold();
        return saved = train.Step.Step;
    }

    /// <summary>Admits nothing until <see cref="Release"/>: the weights are to be read.</summary>
    public void Hold() => holds++;

    /// <summary>The device has finished a submission; <see cref="Take"/> says what is to be reported now.</summary>
    /// <param name="busy">What the device spent on it.</param>
    public void Complete(long tag, long timestamp, TimeSpan busy = default)
    {
        var done = admitted.FirstOrDefault(a => a.Batch.Tag == tag && a.EndedAt is null)
            ?? throw new InvalidOperationException($"the device finished {tag}, which it was not given");
        (done.EndedAt, done.Busy) = (timestamp, busy);
    }

    /// <summary>The next finished batch in order of admission, and for how long (in timestamps) the device was at it; or null.</summary>
    public (PreparedBatch Batch, long Since, long Until, TimeSpan Busy)? Take()
    {
        if (!admitted.TryPeek(out var first) || first.EndedAt is not { } end)
            return null;
        admitted.Dequeue();
        long since = Math.Max(previousEnd, first.At);
        previousEnd = Math.Max(previousEnd, end);
        return (first.Batch, since, previousEnd, first.Busy);
    }

    /// <summary>Whether a step up to this one is under way on the device.</summary>
    public bool IsAt(long last) => admitted.Any(a => a.Batch.Item is WorkItem.Train train && train.Step.Step <= last);

    /// <summary>The weights have been read.</summary>
    public void Release() => holds--;

    private bool IsSaveDue(WorkItem.Train train) => train.SaveBefore && saved != train.Step.Step;

    private sealed class Admitted(PreparedBatch batch, long at)
    {
        public PreparedBatch Batch => batch;

        public long At => at;

        public long? EndedAt { get; set; }

        public TimeSpan Busy { get; set; }
    }
}
