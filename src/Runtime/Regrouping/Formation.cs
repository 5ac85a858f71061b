using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>With whom the next generation can begin, and where.</summary>
/// <param name="TakePart">
/// Nodes that have promised and stay, in the order in which they are to have their ranks: those of the previous generation by their
/// ranks, then the others by name.
/// </param>
/// <param name="Step">The first step of the generation: the furthest that anybody has come to.</param>
/// <param name="Ahead">Nodes with the replica before that step, and with the records of the steps before. Empty: the job begins.</param>
/// <param name="Fetches">Which of <c>Ahead</c> each of the others gets the replica from.</param>
public sealed record Formation(
    Ballot Ballot, Roll Base, ImmutableArray<Roll> Doubtful, ImmutableArray<NodeKey> TakePart, long Step, ImmutableArray<NodeKey> Ahead,
    ImmutableDictionary<NodeKey, NodeKey> Fetches)
{
    /// <summary><see cref="Roll.Witnesses"/></summary>
    public ImmutableArray<NodeKey> Witnesses { get; init; } = [];

    /// <summary>Nodes that fell silent, of this or earlier generations, and are not proved dead: <see cref="Roll.Missing"/>.</summary>
    public ImmutableArray<NodeKey> Missing { get; init; } = [];

    /// <summary>The generation in which <paramref name="ranks"/> have shards; others that take part stand by.</summary>
    /// <param name="ranks">The node of each rank.</param>
    public Begin With(NodeKey conductor, ImmutableArray<NodeKey> ranks) => new(
        new Roll(Ballot, conductor, ranks) { StandBy = [.. TakePart.Except(ranks)], Witnesses = Witnesses, Missing = Missing }, Base, Doubtful);
}
