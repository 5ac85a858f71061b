using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Workers;

/// <summary>The host's memory for a replica of a loaded plan, taken once and read into as often as wanted.</summary>
internal sealed class ReplicaBuffer
{
    private readonly LoadedPlan loaded;
    private readonly (Variable Variable, byte[] Bytes)[] blocks;
    private readonly Replica replica;

    public ReplicaBuffer(LoadedPlan loaded, TrainingPlan plan, Func<VariableKind, bool> wanted)
    {
        this.loaded = loaded;
        blocks = [.. plan.Variables.Where(v => wanted(v.Kind)).OrderBy(v => v.Name, StringComparer.Ordinal).Select(v => (v, new byte[loaded.Plan.Blocks[v.Block].Bytes]))];
        // A block may be longer than what it holds.
        replica = new Replica([.. blocks.Select(b => new ReplicaValue(
            b.Variable.Kind, new NamedTensor(b.Variable.Name, b.Variable.Type, b.Bytes.AsMemory(0, checked((int)b.Variable.Type.Bytes)))))]);
    }

    /// <summary>What the device holds now; the same memory each time. Only while nothing of the job is queued there.</summary>
    public Replica Read()
    {
        foreach (var (variable, bytes) in blocks)
            loaded.ReadBlock(variable.Block, bytes);
        return replica;
    }
}
