using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Serialization;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// A job's seat on one node: reads its data once for all workers here, starts them, opens their rounds, votes on what comes after their
/// generation, and brings them to rest and keeps their replica for it:
/// <code>
/// preparing ─► idle ─ StartGeneration ─► working ─ HoldJob ─► resting ─ JobHeld ─► idle      any of them ─ ReleaseJob ─► ended ─ ForgetJob ─►
/// </code>
/// What workers hold outlives them here until their device has let go of it. Its messages to others come from its node.
/// </summary>
internal sealed partial class NodeJobActor : ReceiveActor, IWithTimers, IVotingOutlet
{
    private static readonly Type[] OfAGeneration =
    [
        typeof(HoldJob), typeof(HoldHeard), typeof(JobHeld), typeof(HoldRejected), typeof(StartGeneration), typeof(NodeReady), typeof(WorkerReady), typeof(BeginSteps),
        typeof(StepCompleted), typeof(StepsRecorded),
    ];

    private readonly NodeOrder order;
    private readonly PrepareJob job;
    private readonly IActorRef collective;
    private readonly JobVoting voting;
    private readonly Dictionary<IActorRef, Held> workers = [];
    private readonly List<int> waiting = [];
    private readonly HashSet<int> ready = [], rested = [];
    private readonly Dictionary<string, string> lost = [];
    private readonly StepRecords records = new();
    private readonly KeptSums kept = new();
    private readonly CompiledPlans plans = new();
    private readonly CancellationTokenSource stop = new();
    private readonly ILoggingAdapter log = Context.GetLogger();
    private ImmutableDictionary<string, IActorRef> devices;
    private IActorRef conductor;
    private IActorRef? localConductor;
    private TrainingJob? definition;
    private Dataset? data;
    private JobSaving? saving;
    private ResumePoint? resume;
    private StartPoint? position;
    private StartGeneration? present;
    private (IActorRef Asker, Ballot Ballot)? hold;
    private ReplicaId? fetching;
    private ReleaseJob? release;
    private GaveWay? successor;
    private long recorded;
    private string? waits;

    // The generation's rounds are open here; its workers come to rest; they have, and their replica is kept; this node wants to go; it is left behind;
    // a seat for somebody else takes its place.
    private bool begun, resting, held, leaving, isOut, givesWay;

    public NodeJobActor(NodeOrder order, PrepareJob job, IActorRef conductor, IActorRef collective, ImmutableDictionary<string, IActorRef> devices)
    {
        (this.order, this.job, this.conductor, this.collective, this.devices) = (order, job, conductor, collective, devices);
        voting = new JobVoting(job.Job, new Seat(order.Key, job.Founding, order.Regrouping), order.Regrouping, this);
        Receive<DataRead>(Prepared);
        Receive<DataUnreadable>(NotPrepared);
        Conducting();
        Voting();
        Working();
        Receive<PrepareJob>(GiveWay);
        Receive<CoordinatorProtocol.GetJob>(_ => TellWaiting());
        Receive<ReleaseJob>(Release);
        Receive<Terminated>(Ended);
        Receive<CollectiveProtocol.GenerationEnded>(_ => { });
        Receive<DeviceProtocol.PlanUnloaded>(_ => LetGo(Sender));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => order.Time.GetElapsedTime(0, order.Time.GetTimestamp());

    private JobId Id => job.Job;

    private Membership? Membership => present?.Membership;

    /// <summary>A worker that throws has lost its state: it ends, and the conductor hears so.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart()
    {
        foreach (var device in devices.Values)
            Context.Watch(device);
        voting.Know([order.AsNode(Context.Parent)]);
        ReadAsync(job, order.Library, Context.System.Serialization, stop.Token).PipeTo(Self, failure: e => new DataUnreadable(e));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, order.Regrouping.Repeat);
    }

    protected override void PostStop()
    {
        stop.Cancel();
        stop.Dispose();
        ForgetState();
        if (definition is not null)
            order.Library.Release(job.Definition);
        order.Plane?.KeepConnected(Id.Value, []);
    }

    void IVotingOutlet.Tell(JobNode node, object message) => node.Node.Tell(message, Context.Parent);

    void IVotingOutlet.Probe(JobNode node)
    {
        if (order.Plane is not { } plane || node.Peer is not { } peer || node.Key == order.Key)
            return;
        var parent = Context.Parent;
        plane.ProbeAsync(peer).PipeTo(parent, success: probe => new PeerLost(peer, probe.State == PeerState.Dead, probe.Reason));
    }

    void IVotingOutlet.Formed(Formation formation, ImmutableDictionary<NodeKey, SeatState> states)
    {
        var formed = new GenerationFormed(Id, formation, states);
        if (localConductor is not null)
            localConductor.Tell(formed, Self);
        else if (Membership is { } last && data is not null)
            // Without the dead: to the new conductor they would be nodes that have yet to leave, which takes another generation.
            Context.Parent.Tell(new TakeOver(
                new CoordinatorProtocol.ConductJob(Id, job.Definition, job.Options, job.Observer, [.. present!.Nodes.Where(n => !voting.Seat.Dead.Contains(n.Key))]), definition!, data.Description, data.Normalisation, last, recorded, resume, formed));
    }

    /// <summary>Where the conductor is out of reach, whoever waits for it has something to say.</summary>
    private void TellWaiting()
    {
        if (waits is null || Membership is not { } last || data is null)
            return;
        Sender.Tell(new Cluster.Gate.JobStatus(
            Id.Value, definition!.Name, "waiting", last.Generation.Number, position?.Step ?? recorded, Scheduling.JobSchedule.Of(definition, data.Description.TrainCount).TotalSteps,
            TimeSpan.Zero, new JobPulse().Workers(last), waits));
    }

    void IVotingOutlet.Runs(Roll roll) => localConductor?.Tell(new GenerationRuns(Id, roll), Self);

    void IVotingOutlet.Waits(string reason)
    {
        waits = reason;
        log.Warning("job {0} waits: {1}", Id, reason);
        if (localConductor is not null)
            localConductor.Tell(new GenerationWaits(Id, reason), Self);
        else
            job.Observer.Tell(new CoordinatorProtocol.JobWaiting(Id, reason));
    }

    void IVotingOutlet.Impossible(string reason)
    {
        if (localConductor is not null)
            localConductor.Tell(new GenerationImpossible(Id, reason), Self);
        else
            log.Warning("job {0} cannot go on from here: {1}", Id, reason);
    }

    void IVotingOutlet.Superseded(Ballot by, bool isPassed)
    {
        localConductor?.Tell(new ConductorSuperseded(Id, by), Self);
        localConductor = null;
        if (!isPassed)
            return;
        log.Warning("job {0} has gone on without this node, in {1}; it may come again as a newcomer", Id, by);
        isOut = true;
        Release(new ReleaseJob(Id));
    }

    /// <summary>The samples first: whether a checkpoint is this job's can only be told with them.</summary>
    private static async Task<DataRead> ReadAsync(PrepareJob prepare, JobLibrary library, Serialization serialization, CancellationToken cancellation)
    {
        // Whoever is prepared is expected to answer at once.
        await Task.Run(() => SingaSerializer.Prepare(serialization, OfAGeneration), cancellation).ConfigureAwait(false);
        var definition = await library.GetAsync(prepare.Definition, cancellation).ConfigureAwait(false);
        var data = await library.LoadAsync(definition, prepare.Definition, cancellation).ConfigureAwait(false);
        var saving = prepare.Options.Checkpoint is null
            ? null
            : await Task.Run(() => JobSaving.Open(definition, prepare.Options, data), cancellation).ConfigureAwait(false);
        return new DataRead(definition, data, saving);
    }

    private void Prepared(DataRead read)
    {
        (definition, data) = (read.Definition, read.Data);
        // What was found is in the store now; held here as well it would take its memory to the end of the job.
        saving = read.Saving is null ? null : read.Saving with { Found = null };
        resume = read.Saving?.Found?.ResumeFor(Id, data, order.Replicas);
        position = resume?.Start ?? StartPoint.Beginning;
        conductor.Tell(new JobPrepared(Id, order.Key, data.Description, data.Normalisation, resume), Context.Parent);
    }

    /// <summary>
    /// Whoever had it prepared may have died before it joined, and what the job began with is another roll now: a new seat is prepared for the one who
    /// wants it. A seat that has been in a generation stays, whoever asks, as long as somebody is left of the last that began.
    /// </summary>
    private void GiveWay(PrepareJob order)
    {
        if ((release is not null && !givesWay) || Sender.Equals(conductor))
            return;
        successor = new GaveWay(order, Sender);
        GiveWay();
    }

    private void GiveWay()
    {
        if (successor is null || release is not null || (present is not null && !voting.Seat.IsBereft))
            return;
        givesWay = true;
        log.Info("job {0}: this seat gives way to one for the next conductor", Id);
        Release(new ReleaseJob(Id));
    }

    private void NotPrepared(DataUnreadable unreadable)
    {
        if (unreadable.Cause is not JobRefusedException and not OperationCanceledException)
            log.Error(unreadable.Cause, "the data of job {0} could not be read", Id);
        conductor.Tell(new PreparationFailed(Id, order.Key, unreadable.Cause.Message), Context.Parent);
    }

    private void Conducting()
    {
        Receive<RegroupJob>(message =>
        {
            localConductor = Sender;
            voting.Know(message.Nodes);
            voting.Regroup(message.Newcomers, Now);
        });
        Receive<ConductorBegun>(_ => localConductor = Sender);
        // From the conductor here, to be passed on to all; and, as one of these, from whichever conductor.
        Receive<StartGeneration>(message => Sender.Equals(localConductor), message => voting.Start(message, Now));
        Receive<StartGeneration>(Start);
        Receive<ExpectGeneration>(Expect);
        Receive<LeaveJob>(_ => leaving = true);
    }

    private void Voting()
    {
        Receive<HoldJob>(Hold);
        Receive<HoldHeard>(message => voting.Heard(message.From, Now));
        Receive<JobHeld>(message => voting.On(message.From, message.Promise, message.State, Now));
        Receive<HoldRejected>(message => voting.On(message.From, message.Refusal, Now));
        Receive<NodeReady>(message => voting.Ready(message.From, message.Ballot, Now));
        Receive<NodeGone>(message =>
        {
            log.Warning("job {0}: {1} is gone: {2}", Id, message.Node, message.Reason);
            voting.ProvedDead(message.Node, Now);
            GiveWay();
        });
        Receive<StepsRecorded>(message =>
        {
            if (message.IsTraining)
                voting.Trains(message.From, Now);
            else
                voting.Heard(message.From, Now);
            recorded = Math.Max(recorded, message.Steps);
            records.Forget(recorded);
        });
        Receive<Tick>(_ => OnTick());
    }

    private void Working()
    {
        Receive<BeginSteps>(Begin);
        Receive<CollectiveProtocol.GenerationBegun>(Begun);
        Receive<CollectiveProtocol.GenerationRejected>(message => log.Warning("job {0}: {1}", Id, message.Reason));
        Receive<ReplicaFetched>(Fetched);
        Receive<WorkerRested>(Rested);
        Receive<WorkerResting>(message =>
        {
            if (resting && message.Generation == Membership?.Generation)
                Timers.StartSingleTimer(nameof(RestTimedOut), RestTimedOut.Instance, order.Settings.RestTimeout);
        });
        Receive<StateTaken>(Taken);
        Receive<RestTimedOut>(_ => Overdue());
        Receive<WorkerReady>(message =>
        {
            conductor.Forward(message);
            if (message.Generation == Membership?.Generation && ready.Add(message.Rank))
                AnswerReady();
        });
        Receive<WorkerFailed>(message => Fail(message, message.Generation, message.Rank, message.Reason));
        Receive<WorkerRejected>(message => Fail(message, message.Generation, message.Rank, message.Reason));
        Receive<WorkerInterrupted>(message =>
        {
            if (message.Generation == Membership?.Generation)
                voting.Seat.Trouble(Now);
            conductor.Forward(message);
        });
        Receive<StepCompleted>(message =>
        {
            records.Add(message);
            kept.Happened(message.Step);
            conductor.Forward(message);
        });
        Receive<WorkerProtocol.IEvent>(message => conductor.Forward(message));
    }

    private void OnTick()
    {
        // Coming to rest and getting ready take a while; whoever counts hears meanwhile that somebody is at it.
        if (hold is { } by && (resting || (!held && !begun && present is not null)))
            by.Asker.Tell(new HoldHeard(Id, order.Key, by.Ballot), Context.Parent);
        // And whoever has answered hears that somebody counts.
        if (voting.IsMaking)
            voting.TellOthers(new StepsRecorded(Id, order.Key, recorded));
        voting.Tick(Now);
    }

    private void ForgetState()
    {
        if (position?.Replica is { } id)
            order.Replicas.Forget(id);
        position = null;
    }

    private string Device(int rank) => Membership!.Members[rank].Offer.Device;

    private void Ended(Terminated terminated)
    {
        if (workers.TryGetValue(terminated.ActorRef, out var ended))
        {
            if (!held)
                Fail(ended, "its actor ended; the log says why");
            // Only now is it certain that nothing more is admitted to the device.
            ended.Device.Tell(new DeviceProtocol.UnloadPlan(Id));
            return;
        }

        foreach (var worker in workers.Values.Where(w => w.Device.Equals(terminated.ActorRef)).ToArray())
            Fail(worker, "its device ended; the log says why");
        devices = devices.RemoveRange(devices.Where(d => d.Value.Equals(terminated.ActorRef)).Select(d => d.Key));
        LetGo(terminated.ActorRef);
    }

    private void Fail(Held worker, string reason) => Fail(new WorkerFailed(Id, worker.Generation, worker.Rank, reason), worker.Generation, worker.Rank, reason);

    private void Fail(WorkerProtocol.IEvent report, Generation generation, int rank, string reason)
    {
        if (release is not null || generation != Membership?.Generation)
            return;
        lost.TryAdd(Device(rank), reason);
        voting.Seat.Trouble(Now);
        conductor.Tell(report, Context.Parent);
        TakeState();
    }

    /// <summary>To the node: this seat ends, and <c>Conductor</c> wants one.</summary>
    internal sealed record GaveWay(PrepareJob Order, IActorRef Conductor) : INoSerializationVerificationNeeded;

    private sealed record Held(Generation Generation, int Rank, IActorRef Device, WorkerResources Resources);

    private sealed record ReplicaFetched(ReplicaId Replica, long Step, string? Failure) : INoSerializationVerificationNeeded;

    private sealed record DataRead(TrainingJob Definition, Dataset Data, JobSaving? Saving) : INoSerializationVerificationNeeded;

    private sealed record DataUnreadable(Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded, INotInfluenceReceiveTimeout
    {
        public static readonly Tick Instance = new();
    }

    private sealed record RestTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly RestTimedOut Instance = new();
    }
}
