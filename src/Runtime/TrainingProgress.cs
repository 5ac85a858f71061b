using System.Collections.Immutable;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime;

/// <summary>One step that has happened everywhere.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Step">Of the whole job, from 0.</param>
/// <param name="Samples">In this step's batch.</param>
/// <param name="Loss">Mean over the batch.</param>
/// <param name="Accuracy">Share of the batch that was right before the update, 0 to 1; null where answers are not right or wrong, and for text.</param>
/// <param name="StepTime">From the end of the step before, pauses for tests and digests left out.</param>
public sealed record TrainingProgress(
    int Epoch, long Step, long TotalSteps, int Samples, double Loss, double? Accuracy, TimeSpan StepTime)
{
    public double SamplesPerSecond => StepTime > TimeSpan.Zero ? Samples / StepTime.TotalSeconds : 0;

    /// <summary>e to the power of the loss, for text: among how many equally likely characters the model is as uncertain.</summary>
    public double? Perplexity { get; init; }

    /// <summary><c>sha256:…</c> of the parameters after this step, where <see cref="TrainingOptions.DigestEvery"/> asks for it.</summary>
    public string? Digest { get; init; }

    /// <summary>Figures on the test samples after this step, where the job has any and this step is one that is tested.</summary>
    public TestFigures? Test { get; init; }

    /// <summary>What the step cost: more than its shards were computed where workers were lost in the middle of it, fewer where a generation went on with what was there.</summary>
    public ShardCount Shards { get; init; }

    /// <summary>What its host should tell whoever watches: a checkpoint that could not be written. Training goes on.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>What each shard saw, where <see cref="TrainingOptions.KeepLedger"/> asks for it.</summary>
    public ImmutableArray<CommittedShard> Committed { get; init; } = [];
}

/// <summary>Figures over all test samples. <c>Accuracy</c>: 0 to 1, null where answers are not right or wrong, and for text.</summary>
public sealed record TestFigures(double Loss, double? Accuracy)
{
    /// <inheritdoc cref="TrainingProgress.Perplexity"/>
    public double? Perplexity { get; init; }

    /// <summary>Where the job asks for it.</summary>
    public TopAccuracy? Top { get; init; }
}

/// <summary>The share of answers, 0 to 1, whose right class is among the <c>K</c> most likely.</summary>
public readonly record struct TopAccuracy(int K, double Share);

/// <summary>A shard whose samples are in the weights. <c>Samples</c>: their numbers in the training data.</summary>
public sealed record CommittedShard(int Epoch, long Step, int Shard, ImmutableArray<long> Samples, string Worker, long Generation);
