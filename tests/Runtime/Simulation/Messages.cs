using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>What simulated processes say to one another. <c>Records</c>: the value of the replica after a step, for steps the observer may lack.</summary>
internal abstract record Message
{
    public sealed record HoldJob(Hold Hold) : Message;

    /// <summary>Promised; workers come to rest.</summary>
    public sealed record Resting(Ballot Ballot) : Message;

    public sealed record Held(Promise Promise, ImmutableSortedDictionary<long, ulong> Records, long Recorded) : Message;

    public sealed record Refused(Refusal Refusal) : Message;

    public sealed record StartJob(
        Begin Begin, ImmutableArray<ShardRange> Shards, Formation Formation, ImmutableSortedDictionary<long, ulong> Records, long Recorded) : Message;

    public sealed record Ready(Ballot Ballot) : Message;

    public sealed record Unfit(Ballot Ballot) : Message;

    /// <summary>From the conductor: the generation has begun, and goes on.</summary>
    public sealed record Beat(Ballot Ballot, long Recorded) : Message;

    public sealed record BeatAnswer(Ballot Ballot, long Next, ImmutableSortedDictionary<long, ulong> Records) : Message;

    public sealed record Troubled(Ballot Ballot) : Message;

    public sealed record HoldSteps(Ballot Ballot, int Number) : Message;

    public sealed record StepsHeld(Ballot Ballot, int Number, long Next) : Message;

    public sealed record RunSteps(Ballot Ballot, long Until) : Message;

    public sealed record Fetch : Message;

    public sealed record Replica(long Next, ulong Value, ImmutableSortedDictionary<long, ulong> Records, long Recorded) : Message;

    /// <summary>To whoever fell silent: this generation has begun meanwhile.</summary>
    public sealed record Notice(Roll Present) : Message;

    /// <summary>To the coordinator: devices for whatever job there is.</summary>
    public sealed record Offer : Message;

    /// <summary>To the coordinator: who conducts.</summary>
    public sealed record Conducts(Ballot Ballot) : Message;

    /// <summary>From the coordinator to the conductor.</summary>
    public sealed record Join(NodeKey Node) : Message;

    public sealed record Prepare(Roll Founding) : Message;

    public sealed record Prepared : Message;

    public sealed record Leave : Message;

    /// <summary>From a conductor that leaves: it is your turn.</summary>
    public sealed record StandUp(Ballot Ballot) : Message;

    /// <summary>The sum of a process's shards in a bucket.</summary>
    public sealed record Rows(Ballot Ballot, long Step, int Bucket, ulong Sum) : Message;

    public sealed record Total(Ballot Ballot, long Step, int Bucket, ulong Sum) : Message;

    public sealed record Commit(long Step, ulong Value) : Message;

    public sealed record TakenDown(long Next) : Message;

    public sealed record Finished : Message;
}
