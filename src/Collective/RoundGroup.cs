using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>A number that only grows: what belongs to an older one is refused.</summary>
public readonly record struct Generation(long Number)
{
    public static readonly Generation First = new(1);

    public Generation Next => new(Number + 1);

    public override string ToString() => $"generation {Number}";
}

/// <summary>
/// One who takes part in rounds, and the shards whose gradients it brings. <c>Peer</c>: the process it lives in; null is this one.
/// </summary>
public sealed record RoundMember(int Rank, string Device, ShardRange Shards, PeerId? Peer = null)
{
    public override string ToString() => Peer is { } peer ? $"rank {Rank} ({Device} at {peer})" : $"rank {Rank} ({Device})";
}

/// <summary>
/// Who meets in the rounds of one generation. <c>Members[i]</c> has rank i; their ranges are all of <c>Shards</c> and do not overlap.
/// Each step every member brings <c>Buckets</c> buckets.
/// </summary>
public sealed record RoundGroup(JobId Job, Generation Generation, int Shards, int Buckets, ImmutableArray<RoundMember> Members)
{
    /// <summary>Null: in every step each member brings its own shards.</summary>
    public UnevenStep? Uneven { get; init; }

    /// <summary>Whether all shards of a node of the tree are brought by these ranks, of which it is asked in this step.</summary>
    public Func<ShardRange, bool> Covers(IEnumerable<int> ranks, long step)
    {
        var covered = new bool[Shards];
        foreach (int rank in ranks)
        {
            foreach (var range in Uneven is { } uneven && uneven.Step == step ? uneven.Brought[rank] : [Members[rank].Shards])
                covered.AsSpan(range.First, range.Count).Fill(true);
        }

        return node => !covered.AsSpan(node.First, node.Count).Contains(false);
    }

    /// <summary>Null, or what is wrong with it.</summary>
    public string? Fault()
    {
        if (Buckets < 1 || Members.IsDefaultOrEmpty)
            return $"a round of job {Job} needs at least one bucket and one member, not {Buckets} and {(Members.IsDefault ? 0 : Members.Length)}";
        int next = 0;
        foreach (var member in Members.Where(m => m.Shards.Count > 0).OrderBy(m => m.Shards.First))
        {
            if (member.Shards.First != next)
                return $"{member} of job {Job} begins at shard {member.Shards.First}, and the one before it ends at {next}";
            next = member.Shards.End;
        }

        if (Uneven is { } uneven && uneven.Brought.Length != Members.Length)
            return $"step {uneven.Step} of job {Job} is cut for {uneven.Brought.Length} members, not {Members.Length}";
        if (next != Shards)
            return $"the members of job {Job} hold {next} of its {Shards} shards";
        return Members.Select((m, i) => m.Rank == i).All(b => b) ? null : $"the members of job {Job} are not in the order of their ranks";
    }
}

/// <summary>One all-reduce of one step in one generation.</summary>
public readonly record struct RoundId(JobId Job, Generation Generation, long Step)
{
    public override string ToString() => $"round {Step} of {Generation}";
}

/// <summary>How a round ended: completed everywhere, or nowhere, with the reason and the ranks that were waited for.</summary>
public sealed record RoundOutcome(RoundId Round, string? Failure, ImmutableArray<int> Missing)
{
    public bool Completed => Failure is null;
}
