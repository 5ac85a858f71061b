using System.Collections.Immutable;
using Singa.Actors.Collective;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>Who belongs to one generation, as far as votes are concerned.</summary>
/// <param name="Ballot">Began it, and names it: there is no second generation with the same ballot.</param>
/// <param name="Conductor">The node whose ballot it was.</param>
/// <param name="Ranks">The node of each rank. A node with several devices has several ranks and votes with all of them.</param>
public sealed record Roll(Ballot Ballot, NodeKey Conductor, ImmutableArray<NodeKey> Ranks)
{
    /// <summary>Nodes that take part without a shard, and have no vote.</summary>
    public ImmutableArray<NodeKey> StandBy { get; init; } = [];

    /// <summary>Nodes that agreed and do not take part: they leave, or cannot. Who agreed must know what came of it.</summary>
    public ImmutableArray<NodeKey> Witnesses { get; init; } = [];

    /// <summary>
    /// Nodes of earlier generations that fell silent and are not proved dead. They have no vote here, but must be told what became of the
    /// job when they are heard of again.
    /// </summary>
    public ImmutableArray<NodeKey> Missing { get; init; } = [];

    /// <summary>What there is before the first generation of a job: only its first conductor may begin that.</summary>
    /// <param name="number">The last generation of the checkpoint that the job goes on with; 0: it begins.</param>
    public static Roll Founding(NodeKey founder, long number = 0) => new(new Ballot(number, ""), founder, [founder]);

    public Generation Generation => new(Ballot.Number);

    public bool IsMember(NodeKey node) => Ranks.Contains(node) || StandBy.Contains(node);

    public bool IsAcceptor(NodeKey node) => IsMember(node) || Witnesses.Contains(node);

    /// <summary>Who must be ready before the generation can begin.</summary>
    public IEnumerable<NodeKey> Members => Ranks.Concat(StandBy).Distinct();

    /// <summary>Who must have accepted the generation before it can begin.</summary>
    public IEnumerable<NodeKey> Acceptors => Ranks.Concat(StandBy).Concat(Witnesses).Distinct();
}
