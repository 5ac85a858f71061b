using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime;

/// <summary>What is known of a job when it begins.</summary>
/// <param name="Samples">Training samples in an epoch.</param>
/// <param name="Workers">Those that hold shards first, in order of rank; those that stand by have none.</param>
public sealed record TrainingFacts(
    string Name, long Samples, long TestSamples, int Classes, int BatchSize, int Epochs, long TotalSteps, int Shards,
    ImmutableArray<WorkerFacts> Workers);

/// <param name="Worker">Names the worker in ledger and logs: the device, and the node where there are several.</param>
public sealed record WorkerFacts(string Worker, string Device, ShardRange Shards);
