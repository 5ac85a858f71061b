using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Conducts one job:
/// <code>
/// preparing (every node reads the data) ─► conducting (a generation of workers) ─► releasing ─► gone
///                                              ▲              │ somebody is lost
///                                              └─ regrouping ◄┘
/// </code>
/// What a report means is <see cref="JobRun"/>'s to say; this actor starts, tells, times and ends.
/// </summary>
internal sealed class JobActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan DeadlineCheck = TimeSpan.FromSeconds(1);

    // Whatever breaks so many generations before their first step will break the next as well.
    private const int RegroupsInVain = 5;

    private readonly SubmitJob job;
    private ImmutableArray<(DeviceOffer Offer, IActorRef Node)> devices;
    private readonly RuntimeSettings settings;
    private readonly TimeProvider time;
    private readonly HashSet<IActorRef> preparing = [];
    private readonly HashSet<IActorRef> releasing = [];
    private readonly HashSet<IActorRef> gone = [];
    private readonly Dictionary<int, IActorRef> workers = [];
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<IActorRef, SeatState> held = [];
    private readonly string candidate = Guid.NewGuid().ToString("N");
    private DataDescription? data;
    private ResumePoint? resume;
    private ImmutableArray<PeerId> resumeAt = [];
    private JobRun? run;
    private CoordinatorProtocol.IEvent? ending;
    private Ballot? ballot;
    private string? trouble;
    private long committedAtRegroup = -1;
    private int inVain;
    private bool accepted;

    public JobActor(SubmitJob job, ImmutableArray<(DeviceOffer Offer, IActorRef Node)> devices, RuntimeSettings settings, TimeProvider time)
    {
        (this.job, this.devices, this.settings, this.time) = (job, devices, settings, time);
        Preparing();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private IEnumerable<IActorRef> Nodes => devices.Select(d => d.Node).Distinct();

    protected override void PreStart()
    {
        foreach (var node in Nodes)
        {
            Context.Watch(node);
            preparing.Add(node);
            node.Tell(new PrepareJob(job.Job, job.Definition, job.Options));
        }

        Timers.StartSingleTimer(nameof(PreparationTimedOut), PreparationTimedOut.Instance, settings.PrepareTimeout);
    }

    private void Preparing()
    {
        Receive<JobPrepared>(message =>
        {
            preparing.Remove(Sender);
            // Where several nodes have a checkpoint, the furthest counts.
            if (message.Resume is not null && (resume is null || message.Resume.Start.Step > resume.Start.Step))
            {
                resume = message.Resume;
                resumeAt = [.. devices.Where(d => d.Node.Equals(Sender)).Select(d => d.Offer.Peer).OfType<PeerId>().Distinct()];
            }

            if (data is not null && data != message.Data)
                End(new JobRejected(job.Job, $"the nodes do not have the same data: {data} on one and {message.Data} on {Sender.Path}"));
            else if ((data = message.Data) is not null && preparing.Count == 0)
                BeginGeneration();
        });
        Receive<StopJob>(_ => End(new JobCancelled(job.Job)));
        Receive<PreparationFailed>(message => Unprepared(Sender, message.Reason));
        Receive<PreparationTimedOut>(_ =>
        {
            foreach (var node in preparing.ToArray())
                Unprepared(node, $"its data was not read within {settings.PrepareTimeout.TotalSeconds:0} s (singa.runtime.prepare-timeout)");
        });
        Common();
    }

    private void Conducting()
    {
        Receive<WorkerReady>(message =>
        {
            workers[message.Rank] = Sender;
            Carry(run!.On(message, time.GetUtcNow()));
        });
        Receive<WorkerRejected>(message => Carry(run!.On(message)));
        Receive<WorkerFailed>(message => Carry(run!.On(message)));
        Receive<WorkerInterrupted>(message => Carry(run!.On(message)));
        Receive<NodeFailed>(message => LoseNode(Sender, message.Reason));
        Receive<Terminated>(message => LoseNode(message.ActorRef, $"node {message.ActorRef.Path} has left"));
        Receive<StepCompleted>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<EvaluationCompleted>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<StepsHeld>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<SaveFailed>(message => Carry(run!.On(message)));
        Receive<WorkerFinished>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<ReplicaSaved>(message => Carry(run!.On(message, time.GetUtcNow())));
        Receive<PauseJob>(_ => Carry(run!.Rest(end: false)));
        Receive<ResumeJob>(_ => Carry(run!.Resume(time.GetUtcNow())));
        Receive<StopJob>(_ => Stop());
        Receive<DeadlineDue>(_ =>
        {
            var patience = run!.HasBegun ? settings.StepTimeout : settings.PrepareTimeout;
            if (run.Overdue(time.GetUtcNow() - patience) is { } decision)
                Carry([decision]);
        });
        Common();
    }

    /// <summary>Whoever is left says where it is, and the next generation begins with them.</summary>
    private void Regrouping()
    {
        Receive<JobHeld>(message => message.Ballot == ballot, message =>
        {
            held[Sender] = message.State;
            Form();
        });
        Receive<HoldRejected>(message => message.Ballot == ballot, message => Regroup(trouble!, message.Promised.Number));
        Receive<NodeFailed>(_ => Without(Sender));
        Receive<Terminated>(message => Without(message.ActorRef));
        Receive<RegroupTimedOut>(_ =>
        {
            foreach (var silent in Nodes.Where(n => !held.ContainsKey(n)).ToArray())
            {
                log.Warning("job {0}: {1} does not answer", job.Job, silent.Path);
                Without(silent);
            }
        });
        Receive<PauseJob>(_ => run!.Rest(end: false));
        Receive<ResumeJob>(_ => Carry(run!.Resume(time.GetUtcNow())));
        Receive<StopJob>(_ => run!.Rest(end: true));
        Common();
        ReceiveAny(message => log.Debug("job {0} regroups: {1} ignored", job.Job, message.GetType().Name));
    }

    private void Common()
    {
        Receive<CancelJob>(_ => End(new JobCancelled(job.Job)));
        Receive<StepsRecorded>(message => TellNodes(message));
        Receive<NodeFailed>(message => End(new JobRejected(job.Job, message.Reason)));
        Receive<Terminated>(message =>
        {
            gone.Add(message.ActorRef);
            End(new JobRejected(job.Job, $"node {message.ActorRef.Path} has left"));
        });
        // Its worker says the same from nearer by; this is for devices that end before they have one.
        Receive<WithdrawDevice>(message =>
        {
            devices = devices.RemoveAll(d => d.Offer == message.Device);
            if (devices.IsEmpty)
                End(Lost($"{message.Device.Worker} has left: {message.Reason}"));
            else if (run?.Membership.Members.Any(m => m.Offer == message.Device) == true && ballot is null)
                Regroup($"{message.Device.Worker} has left: {message.Reason}");
        });
    }

    private void Releasing()
    {
        Receive<JobReleased>(_ => Released(Sender));
        Receive<Terminated>(message => Released(message.ActorRef));
        Receive<ReleaseTimedOut>(_ =>
        {
            log.Warning("job {0} has ended, but {1} did not release it", job.Job, string.Join(", ", releasing.Select(n => n.Path)));
            Leave();
        });
        // A second cancellation, or reports that were on their way.
        ReceiveAny(message => log.Debug("job {0} has ended: {1} ignored", job.Job, message.GetType().Name));
    }

    /// <summary>A node that cannot read the data gets no shards.</summary>
    private void Unprepared(IActorRef node, string reason)
    {
        preparing.Remove(node);
        if (Nodes.All(n => n.Equals(node)))
        {
            End(new JobRejected(job.Job, reason));
            return;
        }

        log.Warning("job {0}: {1} takes no part: {2}", job.Job, node.Path, reason);
        node.Tell(new ReleaseJob(job.Job));
        devices = devices.RemoveAll(d => d.Node.Equals(node));
        if (data is not null && preparing.Count == 0)
            BeginGeneration();
    }

    private void BeginGeneration()
    {
        int shards, tests;
        try
        {
            shards = JobSchedule.Of(job.Definition, data!.TrainCount).Shards;
            tests = new EvaluationPoints(job.Definition, job.Options, data).Batches.Batches;
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or JobRefusedException)
        {
            End(new JobRejected(job.Job, e.Message));
            return;
        }

        var membership = Membership.Form(resume?.Generation.Next ?? Generation.First, [.. devices.Select(d => d.Offer)], shards, tests);
        run = new JobRun(job.Definition, job.Options, data, membership, time.GetUtcNow(), resume);
        Timers.Cancel(nameof(PreparationTimedOut));
        Timers.StartPeriodicTimer(nameof(DeadlineDue), DeadlineDue.Instance, DeadlineCheck);
        if (resume?.Outcome is { } outcome)
        {
            // It has ended before: its host gets what came out, and nobody works.
            job.Observer.Tell(new JobAccepted(job.Job, run.Facts));
            End(new JobCompleted(job.Job, outcome));
            return;
        }

        StartWorkers(resumeAt);
    }

    /// <param name="sources">Who has the replica to begin with.</param>
    private void StartWorkers(ImmutableArray<PeerId> sources)
    {
        Become(Conducting);
        workers.Clear();
        foreach (var member in run!.Membership.Members)
        {
            NodeOf(member.Offer).Tell(new StartWorker(
                job.Job, run.Membership, member.Rank, run.Start, run.Until, run.Stopping, sources));
        }
    }

    private void LoseNode(IActorRef node, string reason)
    {
        gone.Add(node);
        devices = devices.RemoveAll(d => d.Node.Equals(node));
        if (devices.IsEmpty)
            End(Lost(reason));
        else
            Regroup(reason);
    }

    /// <summary>A ballot above every one that was seen, to all who may have a part in what comes next.</summary>
    private void Regroup(string reason, long above = 0)
    {
        if (ending is not null)
            return;
        inVain = run!.Committed == committedAtRegroup ? inVain + 1 : 0;
        committedAtRegroup = run.Committed;
        if (inVain > RegroupsInVain)
        {
            End(Lost($"{reason}; {RegroupsInVain} generations in a row came to nothing"));
            return;
        }

        log.Warning("job {0} regroups after step {1}: {2}", job.Job, run.Committed - 1, reason);
        trouble = reason;
        ballot = new Ballot(Math.Max(Math.Max(above, ballot?.Number ?? 0), run.Membership.Generation.Number) + 1, candidate);
        held.Clear();
        Become(Regrouping);
        Timers.StartSingleTimer(nameof(RegroupTimedOut), RegroupTimedOut.Instance, settings.RestTimeout + settings.RestTimeout);
        TellNodes(new HoldJob(job.Job, ballot));
    }

    private void Without(IActorRef node)
    {
        gone.Add(node);
        devices = devices.RemoveAll(d => d.Node.Equals(node));
        Form();
    }

    /// <summary>The next generation, once everybody who is left has answered.</summary>
    private void Form()
    {
        if (ending is not null || Nodes.Any(n => !held.ContainsKey(n)))
            return;
        foreach (var lost in held.Values.SelectMany(h => h.Lost))
            devices = devices.RemoveAll(d => d.Offer == run!.Membership.Members[lost.Rank].Offer);
        var furthest = held.Values.Where(h => h.Position is not null).MaxBy(h => h.Position!.Step);
        if (devices.IsEmpty || furthest is null)
        {
            End(Lost(trouble!));
            return;
        }

        var (settled, start) = run!.Close(furthest, time.GetUtcNow());
        Carry(settled);
        var membership = Membership.Form(
            new Generation(ballot!.Number), [.. devices.Select(d => d.Offer)], run.Schedule.Shards, run.Membership.Members.Sum(m => m.EvaluationBatches.Count));
        run = run.Next(membership, start, time.GetUtcNow());
        run.Warn($"{trouble}; step {start.Step} goes on in {membership.Generation} with {string.Join(", ", membership.Members.Select(m => m.Worker))}");
        Timers.Cancel(nameof(RegroupTimedOut));
        StartWorkers([.. devices.Where(d => held[d.Node].Position?.Step == start.Step).Select(d => d.Offer.Peer).OfType<PeerId>().Distinct()]);
    }

    private void Carry(IEnumerable<JobDecision> decisions)
    {
        foreach (var decision in decisions)
        {
            switch (decision)
            {
                case JobDecision.Begin begin:
                    log.Info("job {0} begins {1}: {2} shards on {3}", job.Job, run!.Membership.Generation, run.Schedule.Shards,
                        string.Join(", ", run.Membership.Members.Select(m => $"{m.Worker} ({m.Shards})")));
                    ballot = null;
                    if (!accepted)
                        job.Observer.Tell(new JobAccepted(job.Job, run.Facts));
                    else
                        job.Observer.Tell(new JobRegrouped(job.Job, run.Membership.Generation, run.Facts.Workers, trouble!));
                    accepted = true;
                    TellNodes(new BeginSteps(job.Job, run.Membership.Generation, begin.Buckets, run.Start.Step));
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
                    End(new JobCompleted(job.Job, complete.Outcome));
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

    private CoordinatorProtocol.IEvent Lost(string reason) => accepted ? new JobFailed(job.Job, reason) : new JobRejected(job.Job, reason);

    /// <summary>The observer hears how it ended once the devices are free of it.</summary>
    private void End(CoordinatorProtocol.IEvent how)
    {
        if (ending is not null)
            return;
        ending = how;
        run?.Abandon();
        log.Info("job {0} ends: {1}", job.Job, how switch
        {
            JobRejected rejected => $"refused, {rejected.Reason}",
            JobFailed failed => $"failed, {failed.Reason}",
            JobCancelled => "cancelled",
            JobStopped stopped => $"stopped before step {stopped.Step}",
            _ => "done",
        });
        Timers.CancelAll();
        Timers.StartSingleTimer(nameof(ReleaseTimedOut), ReleaseTimedOut.Instance, settings.ReleaseTimeout);
        Become(Releasing);
        foreach (var node in Nodes.Except(gone))
        {
            releasing.Add(node);
            node.Tell(new ReleaseJob(job.Job));
        }

        if (releasing.Count == 0)
            Leave();
    }

    private void Released(IActorRef node)
    {
        if (releasing.Remove(node) && releasing.Count == 0)
            Leave();
    }

    private void Leave()
    {
        job.Observer.Tell(ending!);
        Context.Parent.Tell(new Left(job.Job));
        Context.Stop(Self);
    }

    private void Stop()
    {
        if (run!.HasBegun)
            Carry(run.Rest(end: true));
        else
            End(new JobCancelled(job.Job));
    }

    private void TellNodes(object message)
    {
        foreach (var node in Nodes.ToArray())
            node.Tell(message);
    }

    private void TellWorkers(WorkerProtocol.ICommand command)
    {
        foreach (var worker in workers.Values)
            worker.Tell(command);
    }

    private IActorRef NodeOf(DeviceOffer offer) => devices.First(d => d.Offer == offer).Node;

    /// <summary>To the coordinator: the observer has heard how the job ended.</summary>
    internal sealed record Left(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record PreparationTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly PreparationTimedOut Instance = new();
    }

    private sealed record DeadlineDue : INoSerializationVerificationNeeded, INotInfluenceReceiveTimeout
    {
        public static readonly DeadlineDue Instance = new();
    }

    private sealed record RegroupTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly RegroupTimedOut Instance = new();
    }

    private sealed record ReleaseTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly ReleaseTimedOut Instance = new();
    }
}
