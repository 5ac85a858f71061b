using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>What whoever makes the next generation is to do.</summary>
public abstract record ChangeDecision
{
    /// <summary>Ask these for the promise, this node among them. Those who have given it hear that somebody is at work.</summary>
    public sealed record Ask(ImmutableArray<NodeKey> Nodes, Hold Hold) : ChangeDecision;

    /// <summary>These say nothing: try whether their processes can be proved dead.</summary>
    public sealed record Probe(ImmutableArray<NodeKey> Nodes) : ChangeDecision;

    /// <summary>Enough have promised: distribute ranks and shards, and give the roll to <see cref="GenerationChange.Start"/>.</summary>
    public sealed record Form(Formation Formation) : ChangeDecision;

    /// <summary>Tell these to accept the generation and to make their workers ready. They may have been told before.</summary>
    public sealed record Start(ImmutableArray<NodeKey> Nodes, Begin Begin) : ChangeDecision;

    /// <summary>Everybody is ready: the generation has begun, and this node's seat knows. Tell the others.</summary>
    public sealed record Run(Roll Roll) : ChangeDecision;

    /// <summary>
    /// Nothing happens for now. <c>Missed</c>: who would have to answer or to be proved dead; empty: the reason is another, such as too few devices.
    /// Said again when it changes.
    /// </summary>
    public sealed record Wait(ImmutableArray<NodeKey> Missed, TimeSpan Since, string Reason) : ChangeDecision;

    /// <summary>Nobody who may decide is left: a checkpoint, or the beginning, is all there is to go on from.</summary>
    public sealed record GiveUp(string Reason) : ChangeDecision;

    /// <summary>Somebody else makes the next generation; or it has begun without this node, as <c>Present</c>. The seat knows.</summary>
    public sealed record Stop(Ballot By, Roll? Present) : ChangeDecision;
}
