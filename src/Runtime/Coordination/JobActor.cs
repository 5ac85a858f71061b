using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Scheduling;
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
internal sealed class JobActor : ReceiveActor, IWithTimers
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
                planned.Join(message.From, Now);
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

    private void Releasing()
    {
        Receive<JobReleased>(message => Released(message.From));
        Receive<NodeGone>(message => Released(message.Node));
        Receive<NodeFailed>(message => Released(message.From));
        Receive<ReleaseTimedOut>(_ =>
        {
            log.Warning("job {0} has ended, but {1} did not release it", job.Job, string.Join(", ", nodes.Keys.Except(released)));
            teller!.Begin();
        });
        Receive<EndingTeller.Tick>(_ => teller!.Tell());
        Receive<EndingHeard>(_ => Leave());
        // A second cancellation, or reports that were on their way.
        ReceiveAny(message => log.Debug("job {0} has ended: {1} ignored", job.Job, message.GetType().Name));
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

    /// <summary>Everybody has the data: the first generation.</summary>
    private void Found()
    {
        if (preparing.Count > 0 || data is null || teller is not null)
            return;
        Timers.Cancel(nameof(PreparationTimedOut));
        try
        {
            JobSchedule.Of(definition!, data.TrainCount);
            _ = new EvaluationPoints(definition!, job.Options, data);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or JobRefusedException)
        {
            End(new JobRejected(job.Job, e.Message));
            return;
        }

        if (resume?.Outcome is { } outcome)
        {
            // It has ended before: its host gets what came out, and nobody works.
            job.Observer.Tell(new JobAccepted(job.Job, NewRun(Membership.Form(resume.Generation.Next, Offers(nodes.Keys), 1, 0)).Facts, Processes));
            End(Completed(outcome));
            return;
        }

        StartTicking();
        Become(Conducting);
        Regroup(reason, isTrouble: false);
    }

    private JobRun NewRun(Membership membership) => new(definition!, job.Options, data!, membership, time.GetUtcNow(), resume);

    private ImmutableArray<DeviceOffer> Offers(IEnumerable<NodeKey> of) =>
        [.. of.Where(nodes.ContainsKey).SelectMany(n => nodes[n].Offers).Where(o => !broken.Contains(o)).Select(o => o with { Speed = speeds.GetValueOrDefault(o, o.Speed) })];

    private void Lose(NodeKey node, string why)
    {
        if (!nodes.Remove(node))
            return;
        preparing.Remove(node);
        prepared.Remove(node);
        planned.Forget(node);
        if (nodes.Count == 0)
            End(Lost(why));
        else if (run is null)
            Found();
        else if (run.Membership.Members.Any(m => m.Offer.Node == node.Name))
            Regroup(why);
    }

    /// <summary>Of nodes that work the data plane knows more; others may end while they read the data.</summary>
    private void Forget(IActorRef ended)
    {
        foreach (var node in nodes.Values.Where(n => n.Node.Equals(ended)).Select(n => n.Key).ToArray())
        {
            if (run is null || !run.Membership.Members.Any(m => m.Offer.Node == node.Name))
                Lose(node, $"{node} has ended");
        }
    }

    /// <summary>Devices come and go by the pool's word as well; a job that has none rests.</summary>
    private void Allot(AllotDevices allot)
    {
        if (teller is not null)
            return;
        if (allot.Nodes.IsEmpty)
        {
            job.Observer.Tell(new JobWaiting(job.Job, allot.Reason ?? "it has no devices"));
            Rest(byHost: false);
            return;
        }

        GoOn(byHost: false);
        foreach (var node in allot.Nodes)
        {
            // The pool may take a while to hear of a death.
            if (dead.Contains(node.Key))
                continue;
            nodes[node.Key] = nodes.TryGetValue(node.Key, out var known) ? known with { Offers = node.Offers } : node;
            planned.Stay(node.Key);
            // Also one that was left behind; where it has not noticed yet it will offer itself once more.
            if (!prepared.Contains(node.Key))
                Prepare(node);
        }

        foreach (var gone in nodes.Keys.Intersect(allot.Elsewhere).ToArray())
        {
            if (gone == self)
                nodes[gone] = nodes[gone] with { Offers = [] };
            else
                planned.Leave(gone, Now);
        }

        var now = Offers(prepared).ToHashSet(DeviceOffer.ByPlace);
        if (run is not null && !now.SetEquals(run.Membership.Members.Select(m => m.Offer).Concat(run.Membership.StandBy)))
            planned.Rebalance(Now);
    }

    private void Rest(bool byHost)
    {
        (pausedByHost, pausedByPool) = (pausedByHost | byHost, pausedByPool | !byHost);
        Carry(run?.Rest(end: false) ?? []);
    }

    private void GoOn(bool byHost)
    {
        if (byHost ? !pausedByHost && pausedByPool : !pausedByPool)
            return;
        (pausedByHost, pausedByPool) = byHost ? (false, pausedByPool) : (pausedByHost, false);
        if (!pausedByHost && !pausedByPool)
            Carry(run?.Resume(time.GetUtcNow()) ?? []);
    }

    /// <summary>The job rests: whoever is next in rank goes on from here, and nothing is done twice.</summary>
    private void Resign()
    {
        log.Info("job {0} is given to another node to conduct: this one leaves", job.Job);
        foreach (var node in nodes.Values.Where(n => n.Key != self))
            node.Node.Tell(new NodeFailed(job.Job, self, $"{self} leaves"));
        Seat.Tell(new ReleaseJob(job.Job));
        Context.Parent.Tell(new Left(job.Job, IsOver: false));
        Context.Stop(Self);
    }

    private string Why => string.Join("; ", new[]
    {
        planned.Newcomers.IsEmpty ? null : $"{string.Join(", ", planned.Newcomers)} {(planned.Newcomers.Length == 1 ? "joins" : "join")}",
        planned.Leaving.IsEmpty ? null : $"{string.Join(", ", planned.Leaving)} {(planned.Leaving.Length == 1 ? "leaves" : "leave")}",
    }.OfType<string>().DefaultIfEmpty("shards move to where they take less time"));

    private void Dismissed(NodeKey node)
    {
        if (node == self || !nodes.Remove(node, out var gone))
            return;
        prepared.Remove(node);
        gone.Node.Tell(new ReleaseJob(job.Job));
    }

    /// <summary>The seat finds out who is left and may go on.</summary>
    private void Regroup(string why, bool isTrouble = true)
    {
        if (teller is not null)
            return;
        if (isTrouble)
        {
            inVain = run!.Committed == committedAtRegroup ? inVain + 1 : 0;
            committedAtRegroup = run.Committed;
            if (inVain > RegroupsInVain)
            {
                End(Lost($"{why}; {RegroupsInVain} generations in a row came to nothing"));
                return;
            }

            log.Warning("job {0} regroups at step {1}: {2}", job.Job, run.Committed, why);
        }

        (reason, regrouping, runs, buckets) = (why, true, false, null);
        Seat.Tell(new RegroupJob(job.Job, why, [.. nodes.Values.Where(n => prepared.Contains(n.Key))], run is null ? [.. prepared] : planned.Newcomers));
    }

    /// <summary>Enough have promised: the next generation, with those who are there.</summary>
    private void Form(GenerationFormed formed)
    {
        if (teller is not null || !regrouping)
            return;
        var formation = formed.Formation;
        foreach (var (key, state) in formed.States)
            broken.UnionWith(state.Lost.SelectMany(l => nodes.GetValueOrDefault(key)?.Offers.Where(o => o.Device == l.Device) ?? []));
        var offers = Offers(formation.TakePart);
        var furthest = formation.Ahead.Where(formed.States.ContainsKey).Select(n => formed.States[n]).FirstOrDefault(s => s.Position is not null);
        if (offers.IsEmpty || furthest is null)
        {
            End(Lost(reason));
            return;
        }

        var membership = Layout(new Generation(formation.Ballot.Number), offers);
        var past = furthest.With(formed.States.Values);
        if (run is null)
        {
            run = NewRun(membership);
        }
        else
        {
            // Whoever fell silent has to be prepared once more when it comes back.
            prepared.RemoveWhere(n => !formation.TakePart.Contains(n) && run.Membership.Members.Any(m => m.Offer.Node == n.Name));
            var (settled, start) = run.Close(past, time.GetUtcNow());
            Carry(settled);
            membership = run.WithKept(membership, start, formed.States.Where(s => formation.TakePart.Contains(s.Key)).ToDictionary(s => s.Key.Name, s => s.Value));
            run = run.Next(membership, start, time.GetUtcNow());
            if (inVain > 0 || committedAtRegroup >= 0)
                run.Warn($"{reason}; step {start.Step} goes on in {membership.Generation} with {string.Join(", ", membership.Members.Select(m => m.Worker))}");
        }

        workers.Clear();
        rebalancing.Begin([.. membership.Members.Select(m => m.Shards)], new double[membership.Members.Length]);
        var begin = formation.With(self, [.. membership.Members.Select(m => nodes.Values.First(n => n.Key.Name == m.Offer.Node).Key)]);
        Seat.Tell(new StartGeneration(
            job.Job, begin, membership, [.. nodes.Values], Self, run.Start, run.Until, run.Stopping,
            [.. formation.Ahead.Select(n => nodes.GetValueOrDefault(n)?.Peer).OfType<PeerId>()],
            new PastSteps([.. past.Records.Where(r => r.Step >= recorded)], past.Tests, past.Memberships)));
    }

    private Membership Layout(Generation generation, ImmutableArray<DeviceOffer> offers) => Membership.Form(
        generation, offers, JobSchedule.Of(definition!, data!.TrainCount).Shards, new EvaluationPoints(definition!, job.Options, data).Batches.Batches);

    /// <summary>Once the seat knows that everybody has accepted, and the run that every worker is ready.</summary>
    private void BeginSteps()
    {
        if (!runs || buckets is not { } count || teller is not null)
            return;
        var roll = run!.Membership;
        log.Info("job {0} begins {1} at step {2}, since {3}: {4} shards on {5}", job.Job, roll.Generation, run.Start.Step, reason, run.Schedule.Shards,
            string.Join(", ", roll.Members.Select(m => $"{m.Worker} ({m.Shards})")));
        job.Observer.Tell(accepted ? new JobRegrouped(job.Job, roll.Generation, run.Facts, reason, Processes) : new JobAccepted(job.Job, run.Facts, Processes));
        (accepted, regrouping, buckets) = (true, false, null);
        TellNodes(new BeginSteps(job.Job, new Ballot(roll.Generation.Number, Ballot.Of(0, self).Candidate), count, run.Start.Step));
        Announce();
    }

    /// <summary>To the coordinator, also to one that has only just begun.</summary>
    private void Announce()
    {
        var options = job.Options;
        Context.Parent.Tell(new JobConducted(
            job.Job, job.Observer, new JobDemand(job.Job, options.Priority, options.MinDevices, options.MaxDevices),
            run is null ? [] : [.. run.Membership.Members.Select(m => m.Offer), .. run.Membership.StandBy]));
    }

    private JobStatus Status() => run is null
        ? new JobStatus(job.Job.Value, definition?.Name ?? "", "preparing", 0, 0, 0, TimeSpan.Zero, [])
        : new JobStatus(
            job.Job.Value, definition!.Name, pausedByHost || pausedByPool ? "paused" : waits is not null ? "waiting" : regrouping ? "regrouping" : "training", run.Membership.Generation.Number, run.Committed,
            run.Schedule.TotalSteps, pulse.StepTime, pulse.Workers(run.Membership), waits) { Shards = run.Shards };

    private void OnTick()
    {
        if (run is null || teller is not null)
            return;
        if (!regrouping)
            TellNodes(new StepsRecorded(job.Job, self, recorded, runs));
        if (runs && !regrouping && planned.DueAt is { } due && due <= Now)
        {
            if (planned.Newcomers.IsEmpty && planned.Leaving.IsEmpty && run.Membership.IsLaidOutAs(Layout(run.Membership.Generation, Offers(prepared))))
                planned.Settled();
            else
                Carry(run.Change());
        }

        var patience = run.HasBegun ? settings.StepTimeout : settings.PrepareTimeout;
        if (run.Overdue(time.GetUtcNow() - patience) is { } decision)
            Carry([decision]);
    }

    private void Step(StepCompleted message)
    {
        if (message.Generation == run!.Membership.Generation)
        {
            // How long a part of a step takes says nothing about who is fast.
            if (message.Step != run.Membership.Unfinished?.Step)
                pulse.On(message);
            if (message.Rank == 0)
                Measure();
        }

        Carry(run.On(message, time.GetUtcNow()));
    }

    /// <summary>Shards move to where they take less time, by what devices were busy for in the last steps.</summary>
    private void Measure()
    {
        var members = run!.Membership.Members;
        if (members.Length < 2)
            return;
        double[] busy = [.. pulse.Workers(run.Membership).Select(w => w.StepTime.TotalSeconds)];
        if (rebalancing.Measured(busy) is not { } found)
        {
            unevenSince = null;
            return;
        }

        // A hiccup moves nothing, however many short steps it lasts.
        unevenSince ??= Now;
        if (Now - unevenSince < settings.RebalanceAfter)
            return;
        unevenSince = null;
        for (int i = 0; i < members.Length; i++)
            speeds[members[i].Offer] = found[i];
        planned.Rebalance(Now);
    }

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

    private JobCompleted Completed(JobOutcome outcome) => new(job.Job, outcome, data!, normalisation, Processes);

    private ImmutableArray<PeerId> Processes => [.. nodes.Values.Select(n => n.Peer).OfType<PeerId>()];

    private CoordinatorProtocol.IEvent Lost(string why) => accepted ? new JobFailed(job.Job, why) : new JobRejected(job.Job, why);

    /// <summary>The observer hears how it ended once the devices are free of it; every node knows it by then, should this one be gone.</summary>
    private void End(CoordinatorProtocol.IEvent how)
    {
        if (teller is not null)
            return;
        var ending = JobEnding.Of(how);
        run?.Abandon();
        log.Info("job {0} ends: {1}", job.Job, ending);
        Timers.CancelAll();
        Timers.StartSingleTimer(nameof(ReleaseTimedOut), ReleaseTimedOut.Instance, settings.ReleaseTimeout);
        teller = new EndingTeller(job.Job, ending, job.Observer, Context, Timers);
        Become(Releasing);
        TellNodes(new ReleaseJob(job.Job, ending));
        // Those that fell silent and were left behind hold nothing that anybody waits for.
        released.UnionWith(nodes.Keys.Where(n => !prepared.Contains(n) && !preparing.Contains(n)));
        TellEnding();
    }

    private void Released(NodeKey node)
    {
        released.Add(node);
        TellEnding();
    }

    private void TellEnding()
    {
        if (!nodes.Keys.All(released.Contains))
            return;
        Timers.Cancel(nameof(ReleaseTimedOut));
        teller!.Begin();
    }

    private void Leave()
    {
        TellNodes(new ForgetJob(job.Job));
        Context.Parent.Tell(new Left(job.Job, IsOver: true));
        Context.Stop(Self);
    }

    private void Stop()
    {
        if (run is not null && accepted)
            Carry(run.Rest(end: true));
        else
            End(new JobCancelled(job.Job));
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
