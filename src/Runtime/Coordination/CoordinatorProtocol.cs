using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Jobs;

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
    public sealed record OfferDevices(ImmutableArray<DeviceOffer> Devices, IActorRef Node) : ICommand;

    public sealed record DevicesAdmitted(ImmutableArray<DeviceOffer> Devices) : IEvent;

    /// <summary>From a node: a device will not work any more.</summary>
    public sealed record WithdrawDevice(DeviceOffer Device, string Reason) : ICommand;

    /// <summary><c>Observer</c> hears every event of the job.</summary>
    public sealed record SubmitJob(JobId Job, TrainingJob Definition, TrainingOptions Options, IActorRef Observer) : ICommand;

    /// <summary>Data read, plans loaded on every device: it begins.</summary>
    public sealed record JobAccepted(JobId Job, TrainingFacts Facts) : IEvent;

    public sealed record JobRejected(JobId Job, string Reason) : IEvent;

    /// <summary>A step has happened everywhere.</summary>
    public sealed record StepCommitted(JobId Job, TrainingProgress Progress) : IEvent;

    public sealed record JobCompleted(JobId Job, JobOutcome Outcome) : IEvent;

    public sealed record JobFailed(JobId Job, string Reason) : IEvent;

    public sealed record CancelJob(JobId Job) : ICommand;

    /// <summary>No device holds anything of the job any more.</summary>
    public sealed record JobCancelled(JobId Job) : IEvent;

    public sealed record GetDevices : IQuery
    {
        public static readonly GetDevices Instance = new();
    }

    public sealed record OfferedDevices(ImmutableArray<DeviceOffer> Devices) : IEvent;
}

/// <summary>What a completed job leaves. <c>Replica</c> is the content hash under which rank 0 keeps the trained values.</summary>
public sealed record JobOutcome(
    long Steps, TestFigures? Test, string Digest, ReplicaId Replica, long PeakBytes, long PlannedBytes, DateTimeOffset FirstStepAt);

/// <summary>Names a kept replica by what it holds.</summary>
public readonly record struct ReplicaId(string Value)
{
    public override string ToString() => Value;
}
