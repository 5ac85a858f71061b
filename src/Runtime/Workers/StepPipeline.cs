namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// When a worker admits what to its device: prepared batches in order, a fixed number ahead, so that the device never waits for
/// an actor; nothing beyond a step after which the weights are to be read, until they have been.
/// </summary>
/// <remarks>
/// The device may end two submissions in another order than they were admitted, where no hazard forbids: a test can be done
/// before the sums of the step before it have come down. They are reported in order all the same.
/// </remarks>
internal sealed class StepPipeline(int ahead)
{
    private readonly Queue<PreparedBatch> prepared = new();
    private readonly Queue<Admitted> admitted = new();
    private long previousEnd = long.MinValue;

    public bool IsHeld { get; private set; }

    public bool IsIdle => prepared.Count == 0 && admitted.Count == 0;

    public void Offer(PreparedBatch batch) => prepared.Enqueue(batch);

    /// <summary>The next batch to admit now, or null.</summary>
    /// <param name="timestamp">Of <see cref="TimeProvider.GetTimestamp"/>.</param>
    public PreparedBatch? Admit(long timestamp)
    {
        if (IsHeld || admitted.Count >= ahead || !prepared.TryDequeue(out var batch))
            return null;
        IsHeld = batch.Item is WorkItem.Train { DigestAfter: true };
        admitted.Enqueue(new Admitted(batch, timestamp));
        return batch;
    }

    /// <summary>The device has finished a submission; <see cref="Take"/> says what is to be reported now.</summary>
    public void Complete(long tag, long timestamp)
    {
        var done = admitted.FirstOrDefault(a => a.Batch.Tag == tag && a.EndedAt is null)
            ?? throw new InvalidOperationException($"the device finished {tag}, which it was not given");
        done.EndedAt = timestamp;
    }

    /// <summary>The next finished batch in order of admission, and for how long (in timestamps) the device was at it; or null.</summary>
    public (PreparedBatch Batch, long Since, long Until)? Take()
    {
        if (!admitted.TryPeek(out var first) || first.EndedAt is not { } end)
            return null;
        admitted.Dequeue();
        long since = Math.Max(previousEnd, first.At);
        previousEnd = Math.Max(previousEnd, end);
        return (first.Batch, since, previousEnd);
    }

    /// <summary>The weights have been read.</summary>
    public void Release() => IsHeld = false;

    private sealed class Admitted(PreparedBatch batch, long at)
    {
        public PreparedBatch Batch => batch;

        public long At => at;

        public long? EndedAt { get; set; }
    }
}
