namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// When a worker admits what to its device: prepared batches in order, a fixed number ahead, so that the device never waits for
/// an actor; nothing beyond a step after which the weights are to be read, until they have been.
/// </summary>
internal sealed class StepPipeline(int ahead)
{
    private readonly Queue<PreparedBatch> prepared = new();
    private readonly Queue<(PreparedBatch Batch, long AdmittedAt)> admitted = new();
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
        admitted.Enqueue((batch, timestamp));
        return batch;
    }

    /// <summary>What the device has finished, and since when it was at it: the end of the one before, or its own admission.</summary>
    public (PreparedBatch Batch, long Since) Complete(long tag, long timestamp)
    {
        var (batch, admittedAt) = admitted.Dequeue();
        if (batch.Tag != tag)
            throw new InvalidOperationException($"the device finished {tag} where {batch.Tag} was next");
        long since = Math.Max(previousEnd, admittedAt);
        previousEnd = timestamp;
        return (batch, since);
    }

    /// <summary>The weights have been read.</summary>
    public void Release() => IsHeld = false;
}
