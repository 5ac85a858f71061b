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

    /// <summary>Of the parameters.</summary>
    public string Digest => ModelDigest.Of(Parameters);

    /// <summary>What the device holds. Only while nothing of the job is queued there.</summary>
    public static Replica Read(LoadedPlan loaded, TrainingPlan plan, Func<VariableKind, bool> wanted) =>
        new([.. plan.Variables.Where(v => wanted(v.Kind)).OrderBy(v => v.Name, StringComparer.Ordinal).Select(v => Read(loaded, v))]);

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

    private static ReplicaValue Read(LoadedPlan loaded, Variable variable)
    {
        var block = new byte[loaded.Plan.Blocks[variable.Block].Bytes];
        loaded.ReadBlock(variable.Block, block);
        // A block may be longer than what it holds.
        return new ReplicaValue(variable.Kind, new NamedTensor(variable.Name, variable.Type, block.AsMemory(0, checked((int)variable.Type.Bytes))));
    }

    private IEnumerable<NamedTensor> Of(VariableKind kind) => Values.Where(v => v.Kind == kind).Select(v => v.Tensor);
}

/// <summary>A trained replica and what was done to the samples it was trained on.</summary>
public sealed record TrainedReplica(Replica Replica, DataDescription Data, Normalisation? Normalisation);

/// <summary>
/// Replicas a node keeps for whoever asks under their name: messages carry names, the bytes stay off the mailboxes. Thread-safe.
/// </summary>
public sealed class ReplicaStore
{
    private readonly ConcurrentDictionary<ReplicaId, TrainedReplica> kept = new();

    public void Keep(ReplicaId id, TrainedReplica replica) => kept[id] = replica;

    /// <summary>Hands a replica over; it is not kept any longer.</summary>
    /// <exception cref="KeyNotFoundException"/>
    public TrainedReplica Take(ReplicaId id) =>
        kept.TryRemove(id, out var replica) ? replica : throw new KeyNotFoundException($"no replica is kept as {id}");
}
