using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>A device that somebody offers to train on.</summary>
/// <param name="Device"><c>KIND:INDEX</c> within its node.</param>
/// <param name="Speed">Relative to other devices; any unit.</param>
public sealed record DeviceOffer(string Node, string Device, double Speed = 1)
{
    /// <summary>The same device of the same node, however fast.</summary>
    public static readonly IEqualityComparer<DeviceOffer> ByPlace = EqualityComparer<DeviceOffer>.Create(
        (a, b) => a?.Node == b?.Node && a?.Device == b?.Device, o => HashCode.Combine(o.Node, o.Device));

    /// <summary>Where its node's data plane is reached; null where all are in one process.</summary>
    public PeerId? Peer { get; init; }

    /// <summary>What the worker on this device is called in ledger and logs.</summary>
    public string Worker => Node.Length == 0 ? Device : $"{Node}/{Device}";
}

/// <summary>One worker of a generation: its place and its partition.</summary>
public sealed record Member(int Rank, DeviceOffer Offer, ShardRange Shards, ShardRange EvaluationBatches)
{
    public string Worker => Offer.Worker;
}

/// <summary>One agreed membership; <c>Members[i]</c> has rank i. <c>StandBy</c> hold no shards until a later generation.</summary>
public sealed record Membership(Generation Generation, int Shards, ImmutableArray<Member> Members, ImmutableArray<DeviceOffer> StandBy)
{
    /// <summary>Who can go on with the job, as long as one of them lives. None where all are in one process.</summary>
    public ImmutableArray<PeerId> Processes => [.. Members.Select(m => m.Offer).Concat(StandBy).Select(o => o.Peer).OfType<PeerId>().Distinct()];

    /// <summary>Null: in its first step, as in all others, each member computes its own shards.</summary>
    public UnfinishedStep? Unfinished { get; init; }

    /// <summary>Shards and evaluation batches over the devices that are there, in the order they are named.</summary>
    public static Membership Form(Generation generation, ImmutableArray<DeviceOffer> offers, int shards, int evaluationBatches)
    {
        var ranges = Assignment.Of(shards, [.. offers.Select(o => o.Speed)]);
        var active = offers.Zip(ranges).Where(x => x.Second.Count > 0).ToArray();
        var batches = Assignment.Of(evaluationBatches, [.. active.Select(x => x.First.Speed)]);
        return new Membership(
            generation, shards,
            [.. active.Select((x, rank) => new Member(rank, x.First, x.Second, batches[rank]))],
            [.. offers.Zip(ranges).Where(x => x.Second.Count == 0).Select(x => x.First)]);
    }

    /// <summary>Whether each device has as many shards there as here.</summary>
    public bool IsLaidOutAs(Membership other) => Counts(this).SetEquals(Counts(other));

    private static HashSet<(string Worker, int Shards)> Counts(Membership of) =>
        [.. of.Members.Select(m => (m.Worker, m.Shards.Count)), .. of.StandBy.Select(o => (o.Worker, 0))];

    /// <summary>The same members as the collective knows them.</summary>
    public RoundGroup Rounds(JobId job, int buckets) =>
        new(job, Generation, Shards, buckets, [.. Members.Select(m => new RoundMember(m.Rank, m.Worker, m.Shards, m.Offer.Peer))]) { Uneven = Unfinished?.AsUneven() };
}
