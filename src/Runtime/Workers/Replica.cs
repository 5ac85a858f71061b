using System.Collections.Concurrent;
using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Workers;

/// <summary>One named value of a replica, and what it is for.</summary>
public sealed record ReplicaValue(VariableKind Kind, NamedTensor Tensor)
{
    public string Name => Tensor.Name;
}

/// <summary>Parameters, optimizer state and running statistics at a step boundary, in ordinal order of their names.</summary>
public sealed record Replica(ImmutableArray<ReplicaValue> Values)
{
    public IEnumerable<NamedTensor> Parameters => Of(VariableKind.Parameter);

    public IEnumerable<NamedTensor> Statistics => Of(VariableKind.Statistic);

    public IEnumerable<NamedTensor> OptimizerState => Of(VariableKind.OptimizerState);

    /// <summary>What a trained model consists of.</summary>
    public Replica WithoutOptimizerState => new([.. Values.Where(v => v.Kind != VariableKind.OptimizerState)]);

    /// <summary>Of the parameters.</summary>
    public string Digest => ModelDigest.Of(Parameters);

    /// <summary>What the device holds. Only while nothing of the job is queued there.</summary>
    public static Replica Read(LoadedPlan loaded, TrainingPlan plan, Func<VariableKind, bool> wanted) => new ReplicaBuffer(loaded, plan, wanted).Read();

    /// <summary>Puts values back under their names; those the replica has none of keep what they have.</summary>
    public void Write(LoadedPlan loaded, TrainingPlan plan)
    {
        var byName = Values.ToDictionary(v => v.Name);
        foreach (var variable in plan.Variables)
        {
            if (!byName.TryGetValue(variable.Name, out var value))
                continue;
            var block = new byte[loaded.Plan.Blocks[variable.Block].Bytes];
            value.Tensor.Data.Span.CopyTo(block);
            loaded.WriteBlock(variable.Block, block);
        }
    }

    private IEnumerable<NamedTensor> Of(VariableKind kind) => Values.Where(v => v.Kind == kind).Select(v => v.Tensor);
}

/// <summary>A trained replica and what was done to the samples it was trained on.</summary>
public sealed record TrainedReplica(Replica Replica, DataDescription Data, Normalisation? Normalisation);

/// <summary>
/// Replicas a node keeps for whoever asks under their name: messages carry names, the bytes stay off the mailboxes. Those that were
/// trained are handed over once; those that workers begin with serve all of them until they are forgotten. Thread-safe.
/// </summary>
public sealed class ReplicaStore
{
    private readonly ConcurrentDictionary<ReplicaId, TrainedReplica> kept = new();
    private readonly ConcurrentDictionary<ReplicaId, JobState> states = new();

    /// <summary>Keeps it under a name that says what it is.</summary>
    public ReplicaId Keep(JobId job, string digest, TrainedReplica replica)
    {
        var id = new ReplicaId($"{job}/{digest}");
        kept[id] = replica;
        return id;
    }

    public ReplicaId Keep(JobId job, JobState state)
    {
        var id = new ReplicaId($"{job}/step {state.Step}/{state.Replica.Digest}");
        states[id] = state;
        return id;
    }

    public JobState? Find(ReplicaId id) => states.GetValueOrDefault(id);

    public void Forget(ReplicaId id) => states.TryRemove(id, out _);

    /// <summary>Hands a replica over; it is not kept any longer.</summary>
    /// <exception cref="KeyNotFoundException"/>
    public TrainedReplica Take(ReplicaId id) =>
        kept.TryRemove(id, out var replica) ? replica : throw new KeyNotFoundException($"no replica is kept as {id}");
}
