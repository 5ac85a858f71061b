using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// The conversation between a job's conductor, the nodes and the workers they start. After <see cref="StepsBegun"/> workers
/// run by themselves and only report.
/// </summary>
public static class WorkerProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    /// <summary>To a node: read the job's data and keep it until the job ends.</summary>
    public sealed record PrepareJob(JobId Job, TrainingJob Definition) : ICommand;

    public sealed record JobPrepared(JobId Job, DataDescription Data) : IEvent;

    public sealed record PreparationFailed(JobId Job, string Reason) : IEvent;

    /// <summary>To the node that offered <c>Membership.Members[Rank]</c>: a worker on that device. It reports to the sender.</summary>
    public sealed record StartWorker(JobId Job, TrainingJob Definition, TrainingOptions Options, Membership Membership, int Rank) : ICommand;

    /// <summary>Replica initialised, plan loaded, batches being prepared. <c>Buckets</c> of the plan travel each step.</summary>
    public sealed record WorkerReady(JobId Job, Generation Generation, int Rank, int Buckets) : IEvent;

    /// <summary>The model does not fit the data, or the plan does not fit the device.</summary>
    public sealed record WorkerRejected(JobId Job, Generation Generation, int Rank, string Reason) : IEvent;

    /// <summary>To each node: open the rounds of the generation, then let the workers run.</summary>
    public sealed record BeginSteps(JobId Job, Generation Generation, int Buckets) : ICommand;

    /// <summary>From the node to its workers: rounds are open.</summary>
    public sealed record StepsBegun(JobId Job, Generation Generation) : IEvent;

    /// <summary>
    /// The update of a step has run here. Sums are over the whole batch, every worker has the same. <c>Digest</c>: of the parameters
    /// after this step, from rank 0 where the options ask for it.
    /// </summary>
    public sealed record StepCompleted(
        JobId Job, Generation Generation, int Rank, long Step, float LossSum, float Correct, TimeSpan StepTime, string? Digest = null) : IEvent;

    /// <summary>Sums of each of this worker's test batches, from batch <c>First</c> on, with the weights after <c>Step</c>.</summary>
    public sealed record EvaluationCompleted(
        JobId Job, Generation Generation, int Rank, long Step, int First, ImmutableArray<BatchSums> Batches) : IEvent;

    /// <summary>All steps and tests done. Rank 0 keeps its replica and says under which name.</summary>
    public sealed record WorkerFinished(
        JobId Job, Generation Generation, int Rank, long PeakBytes, long PlannedBytes, KeptReplica? Kept) : IEvent;

    /// <summary>This worker cannot go on.</summary>
    public sealed record WorkerFailed(JobId Job, Generation Generation, int Rank, string Reason) : IEvent;

    /// <summary>This node cannot go on with the job.</summary>
    public sealed record NodeFailed(JobId Job, string Reason) : IEvent;

    /// <summary>To a node: end its workers of the job, release their memory, forget its data.</summary>
    public sealed record ReleaseJob(JobId Job) : ICommand;

    public sealed record JobReleased(JobId Job) : IEvent;
}

/// <summary>Sums over the samples of one batch. <c>Among</c>: right classes among the most likely, of a test batch where the job asks for it.</summary>
public readonly record struct BatchSums(float Loss, float Correct, float Among = 0);

/// <summary>Where the trained values are, and the digest of the parameters among them.</summary>
public sealed record KeptReplica(ReplicaId Id, string Digest);
