using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// The conversation between a job's conductor, the nodes and the workers they start. After <see cref="StepsBegun"/> workers
/// run by themselves and only report, as far as they may: to the next point where the conductor decides, or where the job is to rest.
/// </summary>
public static class WorkerProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    /// <summary>
    /// To a node: read the job's data and keep it until the job ends; look where it was saved. <c>Founding</c>: what there was before the
    /// first generation. <c>Observer</c>: who wants to hear of the job, should this node ever conduct it.
    /// </summary>
    public sealed record PrepareJob(JobId Job, JobRef Definition, TrainingOptions Options, Roll Founding, IActorRef Observer) : ICommand;

    /// <summary><c>Resume</c>: this node has a checkpoint of the job.</summary>
    public sealed record JobPrepared(JobId Job, NodeKey From, DataDescription Data, Normalisation? Normalisation, ResumePoint? Resume = null) : IEvent;

    /// <summary>To a node that is prepared and waits to join: how the next generation will be laid out if nothing comes between.</summary>
    public sealed record ExpectGeneration(JobId Job, Membership Membership) : ICommand;

    public sealed record PreparationFailed(JobId Job, NodeKey From, string Reason) : IEvent;

    /// <summary>
    /// To every node of a generation, and to those who agreed to it: accept it, and make the workers of the ranks that are yours ready with the
    /// replica before <c>Start</c>, which <c>Sources</c> have. They may admit the steps below <c>Until</c>, and report to <c>Conductor</c>. <c>Stopping</c>: how the
    /// tests before have gone, where the job stops early. <c>Past</c>: what all must know who may conduct the job later.
    /// </summary>
    public sealed record StartGeneration(
        JobId Job, Begin Begin, Membership Membership, ImmutableArray<JobNode> Nodes, IActorRef Conductor, StartPoint Start, long Until,
        StoppingState? Stopping, ImmutableArray<PeerId> Sources, PastSteps Past) : ICommand;

    /// <summary>The generation is accepted, and whatever workers this node has in it are ready.</summary>
    public sealed record NodeReady(JobId Job, NodeKey From, Ballot Ballot) : IEvent;

    /// <summary>From the worker itself, which takes what follows: replica in place, plan loaded, batches being prepared. <c>Buckets</c> of the plan travel each step.</summary>
    public sealed record WorkerReady(JobId Job, Generation Generation, int Rank, int Buckets) : IEvent;

    /// <summary>The model does not fit the data, or the plan does not fit the device.</summary>
    public sealed record WorkerRejected(JobId Job, Generation Generation, int Rank, string Reason) : IEvent;

    /// <summary>To each node: open the rounds of the generation, then let the workers run.</summary>
    public sealed record BeginSteps(JobId Job, Ballot Ballot, int Buckets, long FirstStep) : ICommand;

    /// <summary>From the node to its workers: rounds are open.</summary>
    public sealed record StepsBegun(JobId Job, Generation Generation) : IEvent, ILocalMessage;

    /// <summary>
    /// The update of a step has run here. Sums are over the whole batch, every worker has the same. <c>Digest</c>: of the parameters
    /// after this step, from rank 0 where the options ask for it.
    /// </summary>
    public sealed record StepCompleted(
        JobId Job, Generation Generation, int Rank, long Step, float LossSum, float Correct, TimeSpan StepTime, string? Digest = null) : IEvent
    {
        /// <summary>What the device spent on it, waiting for peers not counted.</summary>
        public TimeSpan Busy { get; init; }
    }

    /// <summary>Sums of each of this worker's test batches, from batch <c>First</c> on, with the weights after <c>Step</c>.</summary>
    public sealed record EvaluationCompleted(
        JobId Job, Generation Generation, int Rank, long Step, int First, ImmutableArray<BatchSums> Batches) : IEvent;

    /// <summary>To a worker: admit no further step and say where that leaves you.</summary>
    public sealed record HoldSteps(JobId Job, Generation Generation, int Number) : ICommand;

    /// <summary><c>Next</c>: the first step that this worker has not admitted. Those before it run to their end.</summary>
    public sealed record StepsHeld(JobId Job, Generation Generation, int Rank, int Number, long Next) : IEvent;

    /// <summary>To a worker: steps below <c>Until</c> may be admitted. <c>Tested</c>: the figures of the last test, complete now.</summary>
    public sealed record RunSteps(JobId Job, Generation Generation, long Until, TestRecord? Tested = null) : ICommand;

    /// <summary>To every worker, which has taken all steps it may: how the held-back loss stands. <c>IsBest</c>: remember the weights as they are.</summary>
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

    /// <summary>A peer did not come to a round; this worker is well and waits for what is to become of the generation.</summary>
    public sealed record WorkerInterrupted(JobId Job, Generation Generation, int Rank, string Reason) : IEvent;

    /// <summary>
    /// To every node of a job: the generation that is to begin has this ballot. Whoever promises it goes on with no older one: its rounds
    /// break, its workers come to rest at a step boundary.
    /// </summary>
    public sealed record HoldJob(JobId Job, Hold Hold) : ICommand;

    /// <summary>Promised: the workers come to rest.</summary>
    public sealed record HoldHeard(JobId Job, NodeKey From, Ballot Ballot) : IEvent;

    /// <summary>They rest. The promise, and where this node is.</summary>
    public sealed record JobHeld(JobId Job, NodeKey From, Promise Promise, SeatState State) : IEvent;

    /// <summary>Another ballot was promised, or a later generation has begun. Also the answer to <see cref="StartGeneration"/>.</summary>
    public sealed record HoldRejected(JobId Job, NodeKey From, Refusal Refusal) : IEvent;

    /// <summary>
    /// To every node, every now and then: the job's host has kept what happened in so many steps; and its conductor is there. <c>IsTraining</c>: its
    /// generation has begun. Whoever knows of none by then has no part in it, or did not hear that it begins.
    /// </summary>
    public sealed record StepsRecorded(JobId Job, NodeKey From, long Steps, bool IsTraining = false) : ICommand;

    /// <summary>This node cannot go on with the job.</summary>
    public sealed record NodeFailed(JobId Job, NodeKey From, string Reason) : IEvent;

    /// <summary>
    /// To a node: end its workers of the job, release their memory, forget its data. <c>Ending</c>: so has the job ended for all. The node keeps this, and what was
    /// trained, until <see cref="ForgetJob"/>, and tells the job's host itself if nobody else can any more.
    /// </summary>
    public sealed record ReleaseJob(JobId Job, JobEnding? Ending = null) : ICommand;

    public sealed record JobReleased(JobId Job, NodeKey From) : IEvent;

    /// <summary>To a node that has released a job: its host knows how it ended.</summary>
    public sealed record ForgetJob(JobId Job) : ICommand;
}

/// <summary>Where a generation begins: at a step, with the replica that is kept under a name; without one, at first values.</summary>
/// <param name="PendingTest">The weights as they are, after this step, were to be tested and have not been.</param>
public sealed record StartPoint(long Step, ReplicaId? Replica, long? PendingTest = null)
{
    public static readonly StartPoint Beginning = new(0, null);
}

/// <summary>What a node has of a job when a generation ends.</summary>
/// <param name="Position">The step that comes next, with the replica before it; null: it has none.</param>
/// <param name="Past">What it knows of the steps before.</param>
/// <param name="Lost">Devices here that cannot go on, and why.</param>
public sealed record SeatState(StartPoint? Position, PastSteps Past, ImmutableArray<LostDevice> Lost)
{
    /// <summary>Sums of the next step, where it was interrupted in it.</summary>
    public KeptShards? Kept { get; init; }

    /// <summary>With what others know of the past as well: who came later knows less of it.</summary>
    public SeatState With(IEnumerable<SeatState> others) => this with { Past = Past.With(others.Select(s => s.Past)) };
}

/// <summary>What is known of steps that the job's host may not have heard of yet.</summary>
/// <param name="Records">What happened in them, in order.</param>
/// <param name="Tests">Figures of tests that are complete, in order, and of the last one before.</param>
/// <param name="Memberships">Of the generations in which these steps happened.</param>
public sealed record PastSteps(ImmutableArray<WorkerProtocol.StepCompleted> Records, ImmutableArray<TestRecord> Tests, ImmutableArray<Membership> Memberships)
{
    public static readonly PastSteps None = new([], [], []);

    public PastSteps With(IEnumerable<PastSteps> others)
    {
        PastSteps[] all = [this, .. others];
        return new PastSteps(
            [.. all.SelectMany(p => p.Records).DistinctBy(r => r.Step).OrderBy(r => r.Step)],
            [.. all.SelectMany(p => p.Tests).DistinctBy(t => t.Step).OrderBy(t => t.Step)],
            [.. all.SelectMany(p => p.Memberships).DistinctBy(m => m.Generation)]);
    }

    /// <summary>Without what a host knows that has kept so many steps.</summary>
    public PastSteps From(long steps)
    {
        ImmutableArray<WorkerProtocol.StepCompleted> records = [.. Records.Where(r => r.Step >= steps)];
        return new PastSteps(
            records, [.. Tests.Where((t, i) => t.Step >= steps || i + 1 == Tests.Length || Tests[i + 1].Step >= steps)],
            [.. Memberships.Where(m => records.Any(r => r.Generation == m.Generation))]);
    }
}

/// <summary>What a test of the weights after a step has shown, and where early stopping stood then.</summary>
public sealed record TestRecord(long Step, TestFigures Figures, StoppingState? Stopping);

public sealed record LostDevice(string Device, string Reason);

/// <summary>A node as those who conduct or may conduct a job know it. <c>Peer</c>: its data plane; null where there is only one process.</summary>
public sealed record JobNode(NodeKey Key, IActorRef Node, PeerId? Peer, ImmutableArray<DeviceOffer> Offers);

/// <summary>Where a job was saved, as far as its conductor needs to know; the values stay with the node.</summary>
/// <param name="Generation">The one that saved it: later ones have higher numbers.</param>
/// <param name="Outcome">The job had ended.</param>
public sealed record ResumePoint(
    StartPoint Start, Generation Generation, StoppingState? Stopping, JobOutcome? Outcome, string Path, ImmutableArray<string> Warnings);

/// <summary>Sums over the samples of one batch. <c>Among</c>: right classes among the most likely, of a test batch where the job asks for it.</summary>
public readonly record struct BatchSums(float Loss, float Correct, float Among = 0);

/// <summary>Where the trained values are, and the digest of the parameters among them.</summary>
public sealed record KeptReplica(ReplicaId Id, string Digest);
