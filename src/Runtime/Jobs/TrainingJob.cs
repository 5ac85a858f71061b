using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>What is submitted, and all that a worker needs to know. Pure data: nothing in it that cannot be written down.</summary>
public sealed record TrainingJob
{
    /// <summary>For logs and the saved model.</summary>
    public string Name { get; init; } = "job";

    public required Module Model { get; init; }

    public required DataSpec Data { get; init; }

    public required Loss Loss { get; init; }

    public required Optimizer Optimizer { get; init; }

    /// <summary>Samples in one step of the whole job.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>How often every sample is seen.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Steps after which training ends even within an epoch; 0 is no limit.</summary>
    public long MaxSteps { get; init; }

    /// <summary>Fixed units of data-parallel work; 0 chooses by <see cref="AutoShards"/>.</summary>
    public int Shards { get; init; }

    /// <summary>Tests also say how many right classes were among so many most likely ones; 0: they do not.</summary>
    public int TopK { get; init; }

    /// <summary>Steps from one test on the held-back samples to the next; 0: only where something else asks for tests, and at the end.</summary>
    public long EvaluateEvery { get; init; }

    /// <summary>Null: every step is taken. Tests are those of <see cref="EvaluateEvery"/>, or each epoch's where that is 0, and the last.</summary>
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>Decides first weights, the order of samples and all other chance.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The shards this job has for its whole life.</summary>
    public int EffectiveShards => Shards > 0 ? Shards : AutoShards(BatchSize);

    /// <summary>The largest power of two up to 32 that leaves at least 8 samples a shard; never a matter of how many devices there are.</summary>
    public static int AutoShards(int batchSize)
    {
        int shards = 1;
        while (shards < 32 && batchSize / (shards * 2) >= 8)
            shards *= 2;
        return shards;
    }

    /// <summary>Steps in one epoch of so many samples: the short last batch counts.</summary>
    public long StepsPerEpoch(long samples) => (samples + BatchSize - 1) / BatchSize;

    /// <summary>Steps of the whole job: the smaller of what epochs and <see cref="MaxSteps"/> allow.</summary>
    public long TotalSteps(long samples)
    {
        long all = StepsPerEpoch(samples) * Epochs;
        return MaxSteps > 0 ? Math.Min(all, MaxSteps) : all;
    }

    /// <summary>
    /// Bytes of each device that the job may take: 0 for no limit. Where it is short, values are computed again and shards one after the other:
    /// more time, the same bits. What cannot fit is refused before training starts.
    /// </summary>
    public long MemoryBudget { get; init; }

    /// <summary>
    /// Only algorithms that round as the sums do that define them: no fast convolutions, which round a little more. Part of the job: it decides
    /// bits.
    /// </summary>
    public bool IsStrict { get; init; }

    /// <summary>
    /// Activations, gradients and optimizer state lie in memory as bfloat16, half of float32; all arithmetic is float32, and so are parameters.
    /// Part of the job: it decides bits.
    /// </summary>
    public bool IsHalfStored { get; init; }

    /// <summary>
    /// Gradients travel between workers as soon as so many bytes of them are ready, while backward goes on. Smaller hides more of it and costs more
    /// messages; the bits are the same.
    /// </summary>
    public long BucketBytes { get; init; } = 1 << 20;

    /// <summary>Patterns of parameter names (<c>*</c> stands for anything) that are not trained.</summary>
    public Seq<string> Frozen { get; init; }
}
