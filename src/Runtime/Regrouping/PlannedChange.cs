using System.Collections.Immutable;

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// What the conductor would have otherwise in the next generation while nothing is wrong: newcomers that are ready, nodes that want to leave, shards
/// that would be better elsewhere. When it is due the job comes to rest at a step boundary, so that nothing is redone, and regroups there.
/// </summary>
/// <param name="gather">How long one reason is kept back for others: nodes often come several at a time.</param>
public sealed class PlannedChange(TimeSpan gather)
{
    private readonly SortedSet<NodeKey> newcomers = [];
    private readonly SortedSet<NodeKey> leaving = [];
    private TimeSpan? since;
    private bool isUneven;

    /// <summary>Ready to join: data read, and a replica near enough.</summary>
    public ImmutableArray<NodeKey> Newcomers => [.. newcomers];

    /// <summary>They go when the next generation has begun.</summary>
    public ImmutableArray<NodeKey> Leaving => [.. leaving];

    /// <summary>When the job is to come to rest. Null: no reason to.</summary>
    public TimeSpan? DueAt => since + gather;

    public void Join(NodeKey node, TimeSpan now)
    {
        if (newcomers.Add(node))
            since ??= now;
    }

    public void Leave(NodeKey node, TimeSpan now)
    {
        newcomers.Remove(node);
        if (leaving.Add(node))
            since ??= now;
    }

    /// <summary>It was to leave, and is not any more.</summary>
    public void Stay(NodeKey node)
    {
        if (leaving.Remove(node))
            Settle();
    }

    /// <summary><see cref="Rebalancing"/> says that the shards lie badly.</summary>
    public void Rebalance(TimeSpan now)
    {
        isUneven = true;
        since ??= now;
    }

    /// <summary>The shards lie as well as they can.</summary>
    public void Settled()
    {
        isUneven = false;
        Settle();
    }

    /// <summary>A node is dead, or silent, or has gone.</summary>
    public void Forget(NodeKey node)
    {
        newcomers.Remove(node);
        leaving.Remove(node);
        Settle();
    }

    private void Settle()
    {
        if (newcomers.Count == 0 && leaving.Count == 0 && !isUneven)
            since = null;
    }

    /// <summary>A generation has begun: who takes part in it is no newcomer, who has no part may go.</summary>
    /// <returns>Those who may go.</returns>
    public ImmutableArray<NodeKey> Begun(Roll roll, TimeSpan now)
    {
        var members = roll.Members.ToHashSet();
        ImmutableArray<NodeKey> gone = [.. leaving.Where(n => !members.Contains(n))];
        leaving.ExceptWith(gone);
        newcomers.ExceptWith(members);
        isUneven = false;
        since = newcomers.Count + leaving.Count > 0 ? now : null;
        return gone;
    }
}
