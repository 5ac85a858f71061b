using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime;

/// <summary>What is known of a job when it begins.</summary>
/// <param name="Samples">Training samples in an epoch.</param>
/// <param name="Workers">Those that hold shards first, in order of rank; those that stand by have none.</param>
public sealed record TrainingFacts(
    string Name, long Samples, long TestSamples, int Classes, int BatchSize, int Epochs, long TotalSteps, int Shards,
    ImmutableArray<WorkerFacts> Workers)
{
    /// <summary>Of the membership that <c>Workers</c> are; a later one is seen here once it has begun.</summary>
    public long Generation { get; init; } = 1;

    /// <summary>Why there had to be another generation than the first; null while there was none.</summary>
    public string? RegroupedBecause { get; init; }

    /// <summary>The step with which this run begins: 0, or where a checkpoint was.</summary>
    public long FirstStep { get; init; }

    /// <summary>The checkpoint with which it begins; null: from the beginning.</summary>
    public string? ResumedFrom { get; init; }

    /// <summary>The checkpoint is that of its end: there is nothing left to do.</summary>
    public bool HasEnded { get; init; }

    /// <summary>What its host should tell whoever watches: checkpoints that are damaged.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];
}

/// <param name="Worker">Names the worker in ledger and logs: the device, and the node where there are several.</param>
public sealed record WorkerFacts(string Worker, string Device, ShardRange Shards);
