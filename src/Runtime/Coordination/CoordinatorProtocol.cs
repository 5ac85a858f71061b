using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// The conversation with the coordinator. Nodes offer devices whenever they have some, nobody counts them beforehand; hosts
/// submit jobs and hear of them until they end.
/// </summary>
public static class CoordinatorProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    public interface IQuery : INoSerializationVerificationNeeded;

    /// <summary>From a node, about all of its devices at once, so that the first job does not begin on half of them. Replaces what it offered before.</summary>
    public sealed record OfferDevices(JobNode Node) : ICommand;

    public sealed record DevicesAdmitted(ImmutableArray<DeviceOffer> Devices) : IEvent;

    /// <summary>From a node: a device will not work any more.</summary>
    public sealed record WithdrawDevice(DeviceOffer Device, string Reason) : ICommand;

    /// <summary>
    /// <c>Observer</c> hears every event of the job. <c>Formerly</c>: it was accepted before, in these processes, and nothing is heard of it any more; it begins anew,
    /// where it was saved or at its beginning, if none of them is left.
    /// </summary>
    public sealed record SubmitJob(JobId Job, JobRef Definition, TrainingOptions Options, IActorRef Observer, ImmutableArray<PeerId> Formerly) : ICommand
    {
        public SubmitJob(JobId job, JobRef definition, TrainingOptions options, IActorRef observer)
            : this(job, definition, options, observer, [])
        {
        }
    }

    /// <summary>To a node: conduct the job, on these nodes, this one among them.</summary>
    public sealed record ConductJob(JobId Job, JobRef Definition, TrainingOptions Options, IActorRef Observer, ImmutableArray<JobNode> Nodes) : ICommand;

    /// <summary>From a conductor, when it begins and whenever a generation does.</summary>
    public sealed record JobConducted(JobId Job, IActorRef Observer, JobDemand Demand, ImmutableArray<DeviceOffer> Devices) : IEvent;

    /// <summary>To a conductor: these devices are the job's, on these nodes. None: it rests until some are.</summary>
    /// <summary><c>Elsewhere</c>: nodes that the pool knows and has other use for. Of those that it does not know the job knows more than a coordinator that has just begun.</summary>
    public sealed record AllotDevices(JobId Job, ImmutableArray<JobNode> Nodes, ImmutableArray<NodeKey> Elsewhere, string? Reason) : ICommand;

    /// <summary>From a conductor: the job has ended, and its observer knows.</summary>
    public sealed record JobLeft(JobId Job) : IEvent;

    /// <summary>To conductors and the coordinator: a node wants to go. It stays until nothing needs it.</summary>
    public sealed record DismissNode(NodeKey Node) : ICommand;

    /// <summary>Nothing happens until somebody comes back or is proved dead: whom it misses.</summary>
    public sealed record JobWaiting(JobId Job, string Reason) : IEvent;

    /// <summary>Data read, plans loaded on every device: it begins. <c>Processes</c>: those that train it, and can go on with it.</summary>
    public sealed record JobAccepted(JobId Job, TrainingFacts Facts, ImmutableArray<PeerId> Processes) : IEvent;

    public sealed record JobRejected(JobId Job, string Reason) : IEvent;

    /// <summary>A step has happened everywhere.</summary>
    public sealed record StepCommitted(JobId Job, TrainingProgress Progress) : IEvent;

    /// <summary>A later generation has begun: who takes part, and why there had to be another.</summary>
    public sealed record JobRegrouped(JobId Job, Generation Generation, TrainingFacts Facts, string Reason, ImmutableArray<PeerId> Processes) : IEvent;

    /// <summary><c>Data</c> and <c>Normalisation</c>: what it was trained on. <c>Holders</c>: peers that may keep the replica; none where all are in one process.</summary>
    public sealed record JobCompleted(
        JobId Job, JobOutcome Outcome, DataDescription Data, Normalisation? Normalisation, ImmutableArray<PeerId> Holders) : IEvent;

    public sealed record JobFailed(JobId Job, string Reason) : IEvent;

    /// <summary>At the next step boundary that all workers can keep; the devices are free meanwhile.</summary>
    public sealed record PauseJob(JobId Job) : ICommand;

    /// <summary><c>Step</c> comes next.</summary>
    public sealed record JobPaused(JobId Job, long Step) : IEvent;

    public sealed record ResumeJob(JobId Job) : ICommand;

    /// <summary>Also where it had not come to rest yet.</summary>
    public sealed record JobResumed(JobId Job) : IEvent;

    /// <summary>Finish the step, save where the job is saved, end.</summary>
    public sealed record StopJob(JobId Job) : ICommand;

    /// <summary>As <see cref="JobCancelled"/>, at a step boundary. <c>Saved</c>: the same job can go on with <c>Step</c>.</summary>
    public sealed record JobStopped(JobId Job, long Step, bool Saved) : IEvent;

    public sealed record CancelJob(JobId Job) : ICommand;

    /// <summary>No device holds anything of the job any more.</summary>
    public sealed record JobCancelled(JobId Job) : IEvent;

    /// <summary>From its observer, to whoever told it how the job ended: it has what it needs, nobody has to keep anything.</summary>
    public sealed record EndingHeard(JobId Job) : IEvent;

    public sealed record GetDevices : IQuery
    {
        public static readonly GetDevices Instance = new();
    }

    public sealed record OfferedDevices(ImmutableArray<DeviceOffer> Devices) : IEvent;

    /// <summary>To the node of every member: this coordinator has just begun and knows nobody; offer your devices again.</summary>
    public sealed record CoordinatorStarted(IActorRef Coordinator) : IEvent;

    public sealed record GetCoordinator : IQuery
    {
        public static readonly GetCoordinator Instance = new();
    }

    /// <summary><c>Node</c>: where the coordinator lives; empty where there is only one.</summary>
    /// <summary><c>Conducted</c>: jobs, and the node that knows more of each. <c>Waiting</c>: jobs that wait for devices.</summary>
    public sealed record CoordinatorStatus(
        string Node, ImmutableArray<DeviceOffer> Devices, ImmutableArray<ConductedJob> Conducted, ImmutableArray<JobId> Waiting) : IEvent;

    /// <summary>To a conductor, or a seat that waits where there is none, answered by <see cref="JobStatus"/>.</summary>
    public sealed record GetJob(JobId Job) : IQuery;

    /// <summary>To a node: each job that is conducted or waits here, answered by a <see cref="JobStatus"/> each. The coordinator may be just who is missing.</summary>
    public sealed record GetJobs : IQuery
    {
        public static readonly GetJobs Instance = new();
    }
}

/// <summary>What a completed job leaves. <c>Replica</c> is the content hash under which rank 0 keeps the trained values.</summary>
public sealed record JobOutcome(
    long Steps, TestFigures? Test, string Digest, ReplicaId Replica, long PeakBytes, long PlannedBytes, DateTimeOffset FirstStepAt)
{
    /// <summary>The held-back loss ended it, before its last step.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>How many steps the trained values have behind them: fewer than <c>Steps</c> where early stopping restored better ones.</summary>
    public long TrainedSteps { get; init; } = Steps;

    /// <summary>Why the last checkpoint could not be written.</summary>
    public string? SaveFailure { get; init; }
}

public sealed record ConductedJob(JobId Job, IActorRef Conductor);

/// <summary>Names a kept replica by what it holds.</summary>
public readonly record struct ReplicaId(string Value)
{
    public override string ToString() => Value;
}
