using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Training;
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
