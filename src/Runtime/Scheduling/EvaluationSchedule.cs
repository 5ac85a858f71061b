using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Scheduling;

/// <summary>
/// The test samples cut into batches by the job alone, so that the sums, combined in order of the batches, are the same whoever
/// computes them.
/// </summary>
public sealed record EvaluationSchedule(long Samples, int BatchSize)
{
    private const int BatchSizeMin = 16;
    private const int BatchSizeMax = 256;

    /// <summary>As large as the job's own batches, within what neither wastes a device's time nor its memory.</summary>
    public static EvaluationSchedule Of(long samples, int batchSize) =>
        new(samples, (int)Math.Min(Math.Clamp(batchSize, BatchSizeMin, BatchSizeMax), Math.Max(samples, 1)));

    public int Batches => checked((int)((Samples + BatchSize - 1) / BatchSize));

    public (long First, int Count) this[int batch] => (batch * (long)BatchSize, (int)Math.Min(BatchSize, Samples - batch * (long)BatchSize));

    /// <summary>Batch sizes that occur among some consecutive batches: one full, perhaps one short.</summary>
    public IEnumerable<int> Sizes(ShardRange batches) =>
        batches.Count == 0 ? [] : new[] { this[batches.First].Count, this[batches.End - 1].Count }.Distinct();
}
