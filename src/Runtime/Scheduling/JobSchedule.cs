using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Scheduling;

/// <summary>
/// One step of a job: <c>Samples</c> of its epoch, from position <c>First</c> of the epoch's order on.
/// </summary>
public readonly record struct ScheduledStep(long Step, int Epoch, long First, int Samples)
{
    /// <summary>Whether no sample of the epoch is left after this step.</summary>
    public bool EndsEpoch { get; init; }
}

/// <summary>A place in a job's data; both count from 0.</summary>
public readonly record struct DataCursor(int Epoch, long Position);

/// <summary>
/// Which samples meet in which step: a pure function of the job, so that every worker knows it without asking and nothing
/// depends on who computes what. Each sample comes once an epoch; the last batch of an epoch may be short.
/// </summary>
public sealed record JobSchedule
{
    private JobSchedule(long samples, int batchSize, long totalSteps, int shards) =>
        (Samples, BatchSize, TotalSteps, Shards) = (samples, batchSize, totalSteps, shards);

    /// <summary>Samples in an epoch.</summary>
    public long Samples { get; }

    public int BatchSize { get; }

    public long TotalSteps { get; }

    /// <summary>V: how many slices each batch is cut into, for the whole life of the job.</summary>
    public int Shards { get; }

    public long StepsPerEpoch => (Samples + BatchSize - 1) / BatchSize;

    /// <summary>How many epochs the steps touch, the last one perhaps in part.</summary>
    public int Epochs => (int)((TotalSteps + StepsPerEpoch - 1) / StepsPerEpoch);

    /// <inheritdoc cref="Of(long, int, int, long, int)"/>
    public static JobSchedule Of(TrainingJob job, long samples) => Of(samples, job.BatchSize, job.Epochs, job.MaxSteps, job.Shards);

    /// <param name="maxSteps">0: no limit but the epochs.</param>
    /// <param name="shards">0: by <see cref="TrainingJob.AutoShards"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A sentence for the author of the job.</exception>
    public static JobSchedule Of(long samples, int batchSize, int epochs, long maxSteps, int shards)
    {
        Require(samples > 0, nameof(samples), samples, "the training data has no samples");
        Require(batchSize > 0, nameof(batchSize), batchSize, "batch-size must be at least 1");
        Require(epochs > 0, nameof(epochs), epochs, "epochs must be at least 1");
        Require(maxSteps >= 0, nameof(maxSteps), maxSteps, "max-steps cannot be negative; 0 means no limit");
        Require(shards >= 0, nameof(shards), shards, "shards must be 'auto' or at least 1");
        long all = checked((samples + batchSize - 1) / batchSize * epochs);
        return new JobSchedule(samples, batchSize, maxSteps == 0 ? all : Math.Min(all, maxSteps), shards == 0 ? TrainingJob.AutoShards(batchSize) : shards);
    }

    public ScheduledStep this[long step]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(step);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, TotalSteps);
            var (epoch, within) = Math.DivRem(step, StepsPerEpoch);
            long first = within * BatchSize;
            return new ScheduledStep(step, (int)epoch, first, (int)Math.Min(BatchSize, Samples - first))
            {
                EndsEpoch = within == StepsPerEpoch - 1,
            };
        }
    }

    /// <summary>Where in the data a job is that has taken so many steps: the epoch, and the position in its order of the sample that comes next.</summary>
    public DataCursor Cursor(long steps) => Math.DivRem(steps, StepsPerEpoch) is var (epoch, within) ? new DataCursor((int)epoch, within * BatchSize) : default;

    /// <summary>The positions, within the epoch's order, of the samples that consecutive shards see in a step.</summary>
    public (long First, int Count) Positions(ScheduledStep step, ShardRange shards)
    {
        int first = BatchLayout.FirstSample(step.Samples, Shards, shards.First), end = BatchLayout.FirstSample(step.Samples, Shards, shards.End);
        return (step.First + first, end - first);
    }

    /// <summary>Every batch size that occurs, in order of occurrence: one full, perhaps one short.</summary>
    public ImmutableArray<int> BatchSizes
    {
        get
        {
            int first = this[0].Samples, last = this[Math.Min(TotalSteps, StepsPerEpoch) - 1].Samples;
            return first == last ? [first] : [first, last];
        }
    }

    /// <summary>The layouts that a worker's plan must hold, one for each of <see cref="BatchSizes"/>, in that order.</summary>
    public ImmutableArray<BatchLayout> Layouts(ShardRange local) => [.. BatchSizes.Select(size => BatchLayout.Of(size, Shards, local))];

    private static void Require(bool holds, string name, object value, string message)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, message);
    }
}
