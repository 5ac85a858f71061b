using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Bench.Nodes;

/// <summary>A step that the submitting process has heard of.</summary>
/// <param name="At">When it heard, by <see cref="Clock"/>.</param>
/// <param name="Shards">Which node computed which shard.</param>
/// <param name="Work">What it cost.</param>
internal sealed record Commit(double At, long Step, long Generation, int Samples, double StepSeconds, IReadOnlyList<(int Shard, string Node)> Shards, ShardCount Work)
{
    public bool Has(string node) => Shards.Any(s => s.Node == node);

    public int Nodes => Shards.Select(s => s.Node).Distinct().Count();
}
