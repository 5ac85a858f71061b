using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>A device that somebody offers to train on.</summary>
/// <param name="Device"><c>KIND:INDEX</c> within its node.</param>
/// <param name="Speed">Relative to other devices; any unit.</param>
public sealed record DeviceOffer(string Node, string Device, double Speed = 1)
{
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
}

/// <summary>A number that only grows: messages of an older one are refused.</summary>
public readonly record struct Generation(long Number)
{
    public static readonly Generation First = new(1);

    public Generation Next => new(Number + 1);

    public override string ToString() => $"generation {Number}";
}
