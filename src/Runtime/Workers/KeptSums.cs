using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What a seat keeps of an interrupted step, beside the replica before it: sums over subtrees of its shards, once for all workers of the process, in the
/// host's memory, until the step has happened or is not the one to go on with. At most the rows of one step.
/// </summary>
internal sealed class KeptSums
{
    private readonly List<BroughtSums> brought = [];
    private StepSums? kept;
    private (Generation Generation, int Computed) last;

    /// <summary>What workers at rest have, since <see cref="Interrupted"/>.</summary>
    public ImmutableArray<BroughtSums> Brought => [.. brought];

    /// <summary>To be reported; null: nothing is kept.</summary>
    public KeptShards? Report => kept is null ? null : new KeptShards(kept.Step, last.Generation, last.Computed, [.. kept.Rows.Select(r => r.Shards).OrderBy(r => r.First)]);

    /// <summary>Workers of a generation are brought to rest.</summary>
    public void Interrupted() => brought.Clear();

    /// <param name="sums">What one of them has; null: it was in no step, or did not finish its part of it.</param>
    public void Bring(BroughtSums? sums)
    {
        if (sums is not null)
            brought.Add(sums);
    }

    /// <summary>All of them rest.</summary>
    /// <param name="sums">What has become of <see cref="Brought"/>.</param>
    public void Keep(Generation generation, StepSums sums)
    {
        last = (generation, brought.Sum(b => b.Computed));
        brought.Clear();
        kept = sums.With(kept);
    }

    /// <summary>A generation begins with this step.</summary>
    public void Begin(long step)
    {
        if (kept?.Step != step)
            kept = null;
    }

    /// <summary>This step has happened.</summary>
    public void Happened(long step)
    {
        if (kept?.Step <= step)
            kept = null;
    }

    /// <summary>Null: some of it is not here.</summary>
    public ImmutableArray<SumRow>? Find(long step, ImmutableArray<ShardRange> rows)
    {
        ImmutableArray<SumRow> found = kept?.Step == step ? [.. kept.Rows.Where(k => rows.Contains(k.Shards))] : [];
        return found.Length == rows.Length ? found : null;
    }
}
