using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// The conversation between a job's conductor, the nodes and the workers they start. After <see cref="StepsBegun"/> workers
/// run by themselves and only report, as far as they may: to the next point where the conductor decides, or where the job is to rest.
/// </summary>
public static class WorkerProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    /// <summary>To a node: read the job's data and keep it until the job ends; look where it was saved.</summary>
    public sealed record PrepareJob(JobId Job, TrainingJob Definition, TrainingOptions Options) : ICommand, ILocalMessage;

    /// <summary><c>Resume</c>: this node has a checkpoint of the job.</summary>
    public sealed record JobPrepared(JobId Job, DataDescription Data, ResumePoint? Resume = null) : IEvent;

    public sealed record PreparationFailed(JobId Job, string Reason) : IEvent;

    /// <summary>
    /// To the node that offered <c>Membership.Members[Rank]</c>: a worker on that device, with the replica of <c>Start</c>. It may admit the
    /// steps below <c>Until</c>, and reports to the sender.
    /// </summary>
    public sealed record StartWorker(
        JobId Job, TrainingJob Definition, TrainingOptions Options, Membership Membership, int Rank, StartPoint Start, long Until) : ICommand, ILocalMessage;

    /// <summary>From the worker itself, which takes what follows: replica in place, plan loaded, batches being prepared. <c>Buckets</c> of the plan travel each step.</summary>
    public sealed record WorkerReady(JobId Job, Generation Generation, int Rank, int Buckets) : IEvent;

    /// <summary>The model does not fit the data, or the plan does not fit the device.</summary>
    public sealed record WorkerRejected(JobId Job, Generation Generation, int Rank, string Reason) : IEvent;

    /// <summary>To each node: open the rounds of the generation, then let the workers run.</summary>
    public sealed record BeginSteps(JobId Job, Generation Generation, int Buckets, long FirstStep) : ICommand;

    /// <summary>From the node to its workers: rounds are open.</summary>
    public sealed record StepsBegun(JobId Job, Generation Generation) : IEvent, ILocalMessage;

    /// <summary>
    /// The update of a step has run here. Sums are over the whole batch, every worker has the same. <c>Digest</c>: of the parameters
    /// after this step, from rank 0 where the options ask for it.
    /// </summary>
    public sealed record StepCompleted(
        JobId Job, Generation Generation, int Rank, long Step, float LossSum, float Correct, TimeSpan StepTime, string? Digest = null) : IEvent;

    /// <summary>Sums of each of this worker's test batches, from batch <c>First</c> on, with the weights after <c>Step</c>.</summary>
    public sealed record EvaluationCompleted(
        JobId Job, Generation Generation, int Rank, long Step, int First, ImmutableArray<BatchSums> Batches) : IEvent;

    /// <summary>To a worker: admit no further step and say where that leaves you.</summary>
    public sealed record HoldSteps(JobId Job, Generation Generation, int Number) : ICommand;

    /// <summary><c>Next</c>: the first step that this worker has not admitted. Those before it run to their end.</summary>
    public sealed record StepsHeld(JobId Job, Generation Generation, int Rank, int Number, long Next) : IEvent;

    /// <summary>To a worker: steps below <c>Until</c> may be admitted.</summary>
    public sealed record RunSteps(JobId Job, Generation Generation, long Until) : ICommand;

    /// <summary>To rank 0, which has taken all steps it may: how the held-back loss stands. <c>IsBest</c>: remember the weights as they are.</summary>
    public sealed record TestJudged(JobId Job, Generation Generation, StoppingState State, bool IsBest) : ICommand;

    /// <summary>To rank 0 at rest: save the replica before step <c>Step</c>. <c>Outcome</c>: the job has ended with it.</summary>
    public sealed record SaveReplica(JobId Job, Generation Generation, long Step, JobOutcome? Outcome) : ICommand;

    /// <summary>The answer. <c>Failure</c>: why it could not be written.</summary>
    public sealed record ReplicaSaved(JobId Job, Generation Generation, int Rank, long Step, string? Failure) : IEvent;

    /// <summary>A checkpoint that was due could not be written; training goes on.</summary>
    public sealed record SaveFailed(JobId Job, Generation Generation, int Rank, long Step, string Reason) : IEvent;

    /// <summary>To a worker that has taken <c>Steps</c> steps: these were all.</summary>
    public sealed record FinishSteps(JobId Job, Generation Generation, long Steps) : ICommand;

    /// <summary>Rank 0 keeps what was trained and says under which name.</summary>
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

/// <summary>Where a generation begins: at a step, with the replica that is kept under a name; without one, at first values.</summary>
public sealed record StartPoint(long Step, ReplicaId? Replica)
{
    public static readonly StartPoint Beginning = new(0, null);
}

/// <summary>Where a job was saved, as far as its conductor needs to know; the values stay with the node.</summary>
/// <param name="Generation">The one that saved it: later ones have higher numbers.</param>
/// <param name="Outcome">The job had ended.</param>
public sealed record ResumePoint(
    StartPoint Start, Generation Generation, StoppingState? Stopping, JobOutcome? Outcome, string Path, ImmutableArray<string> Warnings);

/// <summary>Sums over the samples of one batch. <c>Among</c>: right classes among the most likely, of a test batch where the job asks for it.</summary>
public readonly record struct BatchSums(float Loss, float Correct, float Among = 0);

/// <summary>Where the trained values are, and the digest of the parameters among them.</summary>
public sealed record KeptReplica(ReplicaId Id, string Digest);
