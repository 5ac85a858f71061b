using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Cluster.Gate;

/// <summary>
/// The conversation with a node's gate, which answers nodes that look for the cluster and commands that are no members of it. Everything that
/// the coordinator takes from a host it takes through any gate as well.
/// </summary>
public static class GateProtocol
{
    public interface IQuery : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    /// <summary>Are you in a cluster, in which?</summary>
    public sealed record GetMembership : IQuery
    {
        public static readonly GetMembership Instance = new();
    }

    /// <summary>
    /// <c>Cluster</c>: names the cluster from its first to its last member, null where this node is in none yet. <c>Members</c>: those that are
    /// up. <c>MayForm</c>: it begins a cluster itself where it finds none.
    /// </summary>
    public sealed record MembershipStatus(string Node, string? Cluster, ImmutableArray<string> Members, bool MayForm) : IEvent;

    /// <summary>What is to be seen of the whole cluster from this node.</summary>
    public sealed record GetClusterStatus : IQuery
    {
        public static readonly GetClusterStatus Instance = new();
    }

    public sealed record GetNodeStatus : IQuery
    {
        public static readonly GetNodeStatus Instance = new();
    }
}

/// <summary>A node about itself.</summary>
/// <param name="Data">Where its data plane listens; empty where it has none.</param>
/// <param name="Refused">What it did not let in, by reason.</param>
public sealed record NodeStatus(string Node, string Data, ImmutableArray<RefusedCount> Refused) : GateProtocol.IEvent;

public sealed record RefusedCount(string Reason, long Count);

/// <summary>A member as the asked node sees it.</summary>
/// <param name="State">As in <c>up</c>, <c>joining</c>, <c>leaving</c>, <c>unreachable</c>, <c>silent</c>.</param>
/// <param name="Devices">Those that it offers.</param>
/// <param name="Coordinator">The coordinator lives there.</param>
public sealed record MemberStatus(string Node, string State, bool Coordinator, ImmutableArray<string> Devices, string Data, ImmutableArray<RefusedCount> Refused)
{
    public long RefusedCount => Refused.Sum(r => r.Count);
}

/// <param name="Asked">The node that answers.</param>
/// <param name="Missing">What is not known, and why, where something is.</param>
public sealed record ClusterStatus(
    string Cluster, string Asked, ImmutableArray<MemberStatus> Members, ImmutableArray<JobStatus> Jobs, ImmutableArray<string> Missing) : GateProtocol.IEvent
{
    public long Refused => Members.Sum(m => m.RefusedCount);
}

/// <summary>A job as its conductor sees it.</summary>
/// <param name="State">As in <c>waiting</c>, <c>preparing</c>, <c>training</c>, <c>paused</c>, <c>ending</c>.</param>
/// <param name="Step">Steps that have happened everywhere.</param>
/// <param name="Note">What it waits for or why, where there is something to say.</param>
public sealed record JobStatus(
    string Job, string Name, string State, long Generation, long Step, long TotalSteps, TimeSpan StepTime, ImmutableArray<WorkerStatus> Workers, string? Note = null)
    : GateProtocol.IEvent
{
    /// <summary>What its steps have cost since its conductor began.</summary>
    public ShardCount Shards { get; init; }
}

/// <param name="Shards">As in <c>0-3</c>.</param>
/// <param name="StepTime">Of its last step; zero: not known yet.</param>
public sealed record WorkerStatus(int Rank, string Worker, int FirstShard, int ShardCount, TimeSpan StepTime, bool Slow);
