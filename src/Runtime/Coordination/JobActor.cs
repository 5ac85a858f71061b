using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Conducts one job, from one of its nodes:
/// <code>
/// preparing (every node reads the data) ─► regrouping ─► conducting (a generation of workers) ─► releasing ─► gone
///                                              ▲              │ somebody is lost, or comes, or goes
///                                              └──────────────┘
/// </code>
/// What a report means is <see cref="JobRun"/>'s to say, who may go on the seat's beside it; this actor starts, tells, times and ends.
/// </summary>
internal sealed partial class JobActor : ReceiveActor, IWithTimers
{
    // Whatever breaks so many generations before their first step will break the next as well.
    private const int RegroupsInVain = 5;

    private readonly ConductJob job;
    private readonly NodeKey self;
    private readonly RuntimeSettings settings;
    private readonly JobLibrary library;
    private readonly TimeProvider time;
    private readonly TakeOver? takeOver;
    private readonly Dictionary<NodeKey, JobNode> nodes;
    private readonly HashSet<NodeKey> preparing = [], prepared = [], released = [], dead = [];
    private readonly HashSet<DeviceOffer> broken = new(DeviceOffer.ByPlace);
    private readonly Dictionary<int, IActorRef> workers = [];
    private readonly PlannedChange planned;
    private readonly Rebalancing rebalancing;
    private readonly Dictionary<DeviceOffer, double> speeds = new(DeviceOffer.ByPlace);
    private readonly JobPulse pulse = new();
    private TimeSpan? unevenSince;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private TrainingJob? definition;
    private DataDescription? data;
    private Normalisation? normalisation;
    private ResumePoint? resume;
    private JobRun? run;
    private EndingTeller? teller;
    private string reason = "it begins";
    private string? waits;
    private long committedAtRegroup = -1, recorded;
    private int inVain;
    private int? buckets;
    private AllotDevices? allotted;
    private bool accepted, regrouping, runs, pausedByHost, pausedByPool;

    public JobActor(ConductJob job, NodeKey self, JobLibrary library, RuntimeSettings settings, TimeProvider time, TakeOver? takeOver = null)
    {
        (this.job, this.self, this.library, this.settings, this.time, this.takeOver) = (job, self, library, settings, time, takeOver);
        nodes = job.Nodes.ToDictionary(n => n.Key);
        planned = new PlannedChange(settings.GatherTime);
        rebalancing = new Rebalancing(gain: 0.2, steps: 3, pause: 5);
        if (takeOver is null)
            Preparing();
        else
            Conducting();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => time.GetElapsedTime(0, time.GetTimestamp());

    private IActorRef Seat => Context.Parent;

    /// <summary>Every one of them has the job's form by and by, this node first.</summary>
    private IEnumerable<PeerId> Peers => nodes.Values.OrderBy(n => n.Key != self).Select(n => n.Peer).OfType<PeerId>();

    protected override void PreStart()
    {
        if (takeOver is { } over)
        {
            Succeed(over);
            return;
        }

        library.GetAsync(job.Definition, CancellationToken.None).PipeTo(Self, failure: e => new Unreadable(e.Message));
        Timers.StartSingleTimer(nameof(PreparationTimedOut), PreparationTimedOut.Instance, settings.PrepareTimeout);
    }

    private void Prepare(JobNode node)
    {
        preparing.Add(node.Key);
        Context.Watch(node.Node);
        node.Node.Tell(new PrepareJob(job.Job, job.Definition with { Sources = [.. job.Definition.Sources, .. Peers] }, job.Options, Roll.Founding(self, resume?.Generation.Number ?? 0), job.Observer));
    }

    /// <summary>What the conductor before this one knew, as far as somebody still knows it.</summary>
    private void Succeed(TakeOver over)
    {
        (definition, data, normalisation, resume, recorded) = (over.Definition, over.Data, over.Normalisation, over.Resume, over.Recorded);
        prepared.UnionWith(nodes.Keys);
        run = new JobRun(definition, job.Options, data, over.Membership, time.GetUtcNow(), resume, Math.Max(over.Recorded, resume?.Start.Step ?? 0));
        (accepted, regrouping, reason) = (true, true, "its conductor is gone");
        Seat.Tell(new ConductorBegun(job.Job));
        StartTicking();
        Form(over.Formed);
    }

    private void StartTicking() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, settings.ConductInterval);

    private void Preparing()
    {
        Receive<TrainingJob>(message =>
        {
            definition = message;
            foreach (var node in nodes.Values.ToArray())
                Prepare(node);
        });
        Receive<Unreadable>(message => End(new JobRejected(job.Job, message.Reason)));
        Receive<JobPrepared>(message =>
        {
            preparing.Remove(message.From);
            prepared.Add(message.From);
            // Where several nodes have a checkpoint, the furthest counts.
            if (message.Resume is not null && (resume is null || message.Resume.Start.Step > resume.Start.Step))
                resume = message.Resume;
            if (data is not null && data != message.Data)
            {
                End(new JobRejected(job.Job, $"the nodes do not have the same data: {data} on one and {message.Data} on {message.From}"));
                return;
            }

            (data, normalisation) = (message.Data, message.Normalisation);
            Found();
        });
        Receive<PreparationFailed>(message => Unprepared(message.From, message.Reason));
        Receive<PreparationTimedOut>(_ =>
        {
            foreach (var node in preparing.ToArray())
                Unprepared(node, $"its data was not read within {settings.PrepareTimeout.TotalSeconds:0} s (singa.runtime.prepare-timeout)");
        });
        Receive<StopJob>(_ => End(new JobCancelled(job.Job)));
        // Devices that come and go meanwhile: those that are left when it begins are newcomers.
        Receive<AllotDevices>(message => allotted = message);
        Common();
    }

    private void Conducting()
    {
        Receive<GenerationFormed>(Form);
        Receive<GenerationRuns>(message =>
        {
            waits = null;
            runs = true;
            foreach (var gone in planned.Begun(message.Roll, Now))
                Dismissed(gone);
            BeginSteps();
        });
        Receive<GenerationWaits>(message =>
        {
            waits = message.Reason;
            log.Warning("job {0} waits: {1}", job.Job, message.Reason);
            job.Observer.Tell(new JobWaiting(job.Job, message.Reason));
        });
        Receive<GenerationImpossible>(message => End(Lost($"{reason}; {message.Reason}")));
        Receive<ConductorSuperseded>(message =>
        {
            log.Warning("job {0} is conducted by another node now: {1}", job.Job, message.By);
            Context.Parent.Tell(new Left(job.Job, IsOver: false));
            Context.Stop(Self);
        });
        Receive<WorkerReady>(message =>
        {
            if (message.Generation == run?.Membership.Generation)
                workers[message.Rank] = Sender;
            Carry(run!.On(message, time.GetUtcNow()));
        });
        Receive<WorkerRejected>(message => Carry(run!.On(message)));
        Receive<WorkerFailed>(message => Carry(run!.On(message)));
        Receive<WorkerInterrupted>(message => Carry(run!.On(message)));
        Receive<AnnounceJob>(_ => Announce());
        Receive<StepCompleted>(Step);
        Receive<EvaluationCompleted>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<StepsHeld>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<SaveFailed>(message => Carry(run!.On(message)));
        Receive<WorkerFinished>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<ReplicaSaved>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<PauseJob>(_ => Rest(byHost: true));
        Receive<ResumeJob>(_ => GoOn(byHost: true));
        Receive<StopJob>(_ => Stop());
        Receive<StepsRecorded>(message => recorded = Math.Max(recorded, message.Steps));
        Receive<AllotDevices>(Allot);
        Receive<DismissNode>(message =>
        {
            if (nodes.ContainsKey(message.Node))
                planned.Leave(message.Node, Now);
        });
        Receive<JobPrepared>(message =>
        {
            preparing.Remove(message.From);
            if (message.Data != data)
                Unprepared(message.From, "its data is not that of the others");
            else if (prepared.Add(message.From))
            {
                planned.Join(message.From, Now);
                TellExpected();
            }
        });
        Receive<PreparationFailed>(message => Unprepared(message.From, message.Reason));
        Receive<Tick>(_ => OnTick());
        Common();
    }

    private void Common()
    {
        Receive<CancelJob>(_ => End(new JobCancelled(job.Job)));
        Receive<GetJob>(_ => Sender.Tell(Status()));
        Receive<NodeGone>(message =>
        {
            dead.Add(message.Node);
            Lose(message.Node, message.Reason);
        });
        Receive<Terminated>(message => Forget(message.ActorRef));
        Receive<NodeFailed>(message =>
        {
            Seat.Tell(new NodeGone(job.Job, message.From, message.Reason));
            Lose(message.From, message.Reason);
        });
        // Its worker says the same from nearer by; this is for devices that end before they have one.
        Receive<WithdrawDevice>(message =>
        {
            broken.Add(message.Device);
            if (nodes.Values.SelectMany(n => n.Offers).All(broken.Contains))
                End(Lost($"{message.Device.Worker} has left: {message.Reason}"));
        });
    }

    /// <summary>A node that cannot read the data gets no shards.</summary>
    private void Unprepared(NodeKey node, string why)
    {
        preparing.Remove(node);
        if (!nodes.TryGetValue(node, out var it))
            return;
        if (run is null && nodes.Keys.All(n => n == node || !prepared.Contains(n) && !preparing.Contains(n)))
        {
            End(new JobRejected(job.Job, why));
            return;
        }

        log.Warning("job {0}: {1} takes no part: {2}", job.Job, node, why);
        it.Node.Tell(new ReleaseJob(job.Job));
        nodes.Remove(node);
        prepared.Remove(node);
        if (run is null)
            Found();
    }

    private JobStatus Status() => run is null
        ? new JobStatus(job.Job.Value, definition?.Name ?? "", "preparing", 0, 0, 0, TimeSpan.Zero, [])
        : new JobStatus(
            job.Job.Value, definition!.Name, pausedByHost || pausedByPool ? "paused" : waits is not null ? "waiting" : regrouping ? "regrouping" : "training", run.Membership.Generation.Number, run.Committed,
            run.Schedule.TotalSteps, pulse.StepTime, pulse.Workers(run.Membership), waits) { Shards = run.Shards };

    private void Carry(IEnumerable<JobDecision> decisions)
    {
        foreach (var decision in decisions)
        {
            switch (decision)
            {
                case JobDecision.Begin begin:
                    buckets = begin.Buckets;
                    BeginSteps();
                    break;
                case JobDecision.Commit commit:
                    job.Observer.Tell(new StepCommitted(job.Job, commit.Progress));
                    break;
                case JobDecision.Hold hold:
                    TellWorkers(new HoldSteps(job.Job, run!.Membership.Generation, hold.Number));
                    break;
                case JobDecision.Run further:
                    TellWorkers(new RunSteps(job.Job, run!.Membership.Generation, further.Until, further.Tested));
                    break;
                case JobDecision.Judge judge:
                    TellWorkers(new TestJudged(job.Job, run!.Membership.Generation, judge.State, judge.IsBest));
                    break;
                case JobDecision.Finish finish:
                    TellWorkers(new FinishSteps(job.Job, run!.Membership.Generation, finish.Steps));
                    break;
                case JobDecision.Save save:
                    workers[0].Tell(new SaveReplica(job.Job, run!.Membership.Generation, save.Step, save.Outcome));
                    break;
                case JobDecision.Change when planned.Leaving.Contains(self):
                    Resign();
                    break;
                case JobDecision.Change:
                    Regroup(Why, isTrouble: false);
                    break;
                case JobDecision.Paused paused:
                    job.Observer.Tell(new JobPaused(job.Job, paused.Step));
                    break;
                case JobDecision.Resumed:
                    job.Observer.Tell(new JobResumed(job.Job));
                    break;
                case JobDecision.Stop stop:
                    End(new JobStopped(job.Job, stop.Step, job.Options.Checkpoint is not null));
                    break;
                case JobDecision.Complete complete:
                    End(Completed(complete.Outcome));
                    break;
                case JobDecision.Reject reject:
                    End(new JobRejected(job.Job, reject.Reason));
                    break;
                case JobDecision.Fail fail:
                    End(new JobFailed(job.Job, fail.Reason));
                    break;
                case JobDecision.Regroup regroup:
                    Regroup(regroup.Reason);
                    break;
                case JobDecision.Ignore ignore:
                    log.Debug("job {0}: a report is ignored, {1}", job.Job, ignore.Reason);
                    break;
                default:
                    throw new InvalidOperationException($"nobody carries out {decision}");
            }
        }
    }

    private void TellNodes(object message)
    {
        foreach (var node in nodes.Values)
            node.Node.Tell(message);
    }

    private void TellWorkers(WorkerProtocol.ICommand command)
    {
        foreach (var worker in workers.Values)
            worker.Tell(command);
    }

    /// <summary>To the node: this conductor has ended. <c>IsOver</c>: the job as well, and its observer has heard how.</summary>
    internal sealed record Left(JobId Job, bool IsOver) : INoSerializationVerificationNeeded;

    private sealed record Unreadable(string Reason) : INoSerializationVerificationNeeded;

    private sealed record PreparationTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly PreparationTimedOut Instance = new();
    }

    private sealed record Tick : INoSerializationVerificationNeeded, INotInfluenceReceiveTimeout
    {
        public static readonly Tick Instance = new();
    }

    private sealed record ReleaseTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly ReleaseTimedOut Instance = new();
    }
}
