using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Graph.Training;

/// <summary>What is computed in a job, whoever computes it. <c>Sample</c> and <c>Label</c> are the types of one of each.</summary>
public sealed record TrainingDefinition(
    Module Model, Loss Loss, Optimizer Optimizer, TensorType Sample, TensorType Label, int Classes, int Shards, ulong Seed, long TotalSteps)
{
    /// <summary>How many shards of a worker are computed at once; fewer take less memory and more time. Never changes a bit.</summary>
    public int ShardsAtOnce { get; init; } = int.MaxValue;

    /// <summary>Patterns (<see cref="NamePattern"/>) of parameters that keep their first values: they have no gradient and no optimizer state.</summary>
    public Seq<string> Frozen { get; init; }

    /// <summary>Above 0, evaluations also count the right classes among so many most likely ones.</summary>
    public int TopK { get; init; }

    /// <summary>Only algorithms whose rounding is that of the definitions' sums; others are faster and round a little more.</summary>
    public bool IsStrict { get; init; }

    /// <summary>What training keeps of itself lies in memory as BFloat16; all arithmetic is float32. See <see cref="HalfStorage"/>.</summary>
    public bool IsHalfStored { get; init; }

    /// <summary>Of what is stored of a value that one step leaves to the next, parameters and statistics apart.</summary>
    internal DType Stored => IsHalfStored ? DType.BFloat16 : DType.Float32;

    /// <summary>A bucket travels once it holds this many bytes of gradients.</summary>
    public long BucketBytes { get; init; } = 1 << 20;
}
