using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// Within one process: between a job's seat on a node and its workers there, when a generation ends, and between the seat and the job's conductor,
/// where that is in the same process. The seat counts votes, the conductor says what they are about.
/// </summary>
internal static class NodeJobProtocol
{
    public interface IMessage : INoSerializationVerificationNeeded, ILocalMessage;

    /// <summary>Rounds of the generation are broken; the last that completed here is <c>LastCompleted</c>. What follows it will not happen in this generation.</summary>
    public sealed record InterruptWorker(long? LastCompleted) : IMessage;

    /// <summary>What the generation begins with is in the node's store.</summary>
    public sealed record ReplicaArrived : IMessage
    {
        public static readonly ReplicaArrived Instance = new();
    }

    /// <summary>It is not at rest yet, but its device gets on with what is left.</summary>
    public sealed record WorkerResting(Generation Generation, int Rank) : IMessage;

    /// <summary>
    /// Nothing of the job is queued on the device; step <c>Next</c> has not happened there. <c>Sums</c>: what it has of that step; null: nothing whole.
    /// </summary>
    public sealed record WorkerRested(Generation Generation, int Rank, long Next, BroughtSums? Sums = null) : IMessage;

    /// <summary>To a worker at rest. <c>Brought</c>: what all of them here have of the next step.</summary>
    public sealed record TakeState(ImmutableArray<BroughtSums> Brought) : IMessage;

    /// <summary><c>Tests</c>: the figures of tests that are complete. <c>Sums</c>: of the next step, what is worth keeping.</summary>
    public sealed record StateTaken(Generation Generation, int Rank, JobState State, ImmutableArray<TestRecord> Tests, StepSums Sums) : IMessage;

    /// <summary>From the conductor: begin the next generation, with these newcomers. <c>Nodes</c>: all that may be asked.</summary>
    public sealed record RegroupJob(JobId Job, string Reason, ImmutableArray<JobNode> Nodes, ImmutableArray<NodeKey> Newcomers) : IMessage;

    /// <summary>From a conductor that has taken over: it is there.</summary>
    public sealed record ConductorBegun(JobId Job) : IMessage;

    /// <summary>To a node: take part in nothing new, and answer when nothing of any job is left here.</summary>
    public sealed record LeaveNode : IMessage
    {
        public static readonly LeaveNode Instance = new();
    }

    public sealed record NodeLeft : IMessage
    {
        public static readonly NodeLeft Instance = new();
    }

    /// <summary>To a conductor: there is a new coordinator.</summary>
    public sealed record AnnounceJob : IMessage
    {
        public static readonly AnnounceJob Instance = new();
    }

    /// <summary>This node wants to go: it takes no part in the next generation.</summary>
    public sealed record LeaveJob(JobId Job) : IMessage;

    /// <summary>A node is proved dead, or knows nothing of the job any more.</summary>
    public sealed record NodeGone(JobId Job, NodeKey Node, string Reason) : IMessage;

    /// <summary>From the data plane, to its node.</summary>
    public sealed record PeerLost(PeerId Peer, bool IsProved, string Reason) : IMessage;

    /// <summary>Enough have promised. <c>States</c>: where they are. Answered by <see cref="WorkerProtocol.StartGeneration"/>.</summary>
    public sealed record GenerationFormed(JobId Job, Formation Formation, ImmutableDictionary<NodeKey, SeatState> States) : IMessage;

    /// <summary>Everybody is ready.</summary>
    public sealed record GenerationRuns(JobId Job, Roll Roll) : IMessage;

    public sealed record GenerationWaits(JobId Job, string Reason) : IMessage;

    /// <summary>There is nobody to go on with.</summary>
    public sealed record GenerationImpossible(JobId Job, string Reason) : IMessage;

    /// <summary>Somebody else conducts the job now.</summary>
    public sealed record ConductorSuperseded(JobId Job, Ballot By) : IMessage;

    /// <summary>
    /// From a seat to its node: nobody conducts the job any more. Be its conductor, with the generation that was voted for. <c>Membership</c>: the
    /// last that began; <c>Recorded</c>: steps that the job's host has kept, at least.
    /// </summary>
    public sealed record TakeOver(
        ConductJob Conduct, TrainingJob Definition, DataDescription Data, Normalisation? Normalisation, Membership Membership, long Recorded, ResumePoint? Resume, GenerationFormed Formed) : IMessage;
}
