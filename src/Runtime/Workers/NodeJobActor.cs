using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// A job's seat on one node: reads its data once for all workers here, starts them, opens their rounds, and when their generation ends
/// brings them to rest and keeps their replica for the next:
/// <code>
/// preparing ─► idle ─ StartWorker ─► working ─ HoldJob ─► resting ─ JobHeld ─► idle      any of them ─ ReleaseJob ─► releasing
/// </code>
/// What workers hold outlives them here until their device has let go of it. It answers the conductor in the node's name.
/// </summary>
internal sealed class NodeJobActor : ReceiveActor, IWithTimers
{
    private readonly NodeOrder order;
    private readonly IActorRef collective;
    private ImmutableDictionary<string, IActorRef> devices;
    private readonly Dictionary<IActorRef, Held> workers = [];
    private readonly List<StartWorker> waiting = [];
    private readonly Dictionary<int, string> lost = [];
    private readonly HashSet<int> rested = [];
    private readonly StepRecords records = new();
    private readonly CancellationTokenSource stop = new();
    private readonly ILoggingAdapter log = Context.GetLogger();
    private PrepareJob prepared = null!;
    private ReplicaId? fetching;
    private Dataset? data;
    private JobSaving? saving;
    private IActorRef conductor;
    private Ballot? promised;
    private StartPoint? position;
    private ImmutableArray<TestRecord> tests = [];
    private Membership? membership;
    private HoldJob? hold;

    // The generation's rounds have been opened; its workers have been told to end, and their replica is kept.
    private bool begun, held;
    private ReleaseJob? release;

    public NodeJobActor(NodeOrder order, IActorRef conductor, IActorRef collective, ImmutableDictionary<string, IActorRef> devices)
    {
        (this.order, this.conductor, this.collective, this.devices) = (order, conductor, collective, devices);
        Receive<PrepareJob>(Prepare);
        Receive<DataRead>(Prepared);
        Receive<DataUnreadable>(NotPrepared);
        Receive<StartWorker>(Start);
        Receive<BeginSteps>(Begin);
        Receive<HoldJob>(Hold);
        Receive<NodeJobProtocol.WorkerRested>(Rested);
        Receive<NodeJobProtocol.StateTaken>(Taken);
        Receive<RestTimedOut>(Overdue);
        Receive<ReplicaFetched>(Fetched);
        Receive<StepsRecorded>(message => records.Forget(message.Steps));
        Receive<CollectiveProtocol.GenerationBegun>(Begun);
        Receive<CollectiveProtocol.GenerationRejected>(message => Answer(new NodeFailed(message.Job, message.Reason)));
        Receive<ReleaseJob>(Release);
        Receive<CollectiveProtocol.GenerationEnded>(_ => { });
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => LetGo(Sender));
        Receive<WorkerFailed>(message => Fail(message, message.Generation, message.Rank, message.Reason));
        Receive<WorkerRejected>(message => Fail(message, message.Generation, message.Rank, message.Reason));
        Receive<StepCompleted>(message =>
        {
            records.Add(message);
            conductor.Forward(message);
        });
        Receive<WorkerProtocol.IEvent>(conductor.Forward);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>A worker that throws has lost its state: it ends, and the conductor hears so.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PostStop()
    {
        stop.Cancel();
        stop.Dispose();
        ForgetState();
    }

    private void Prepare(PrepareJob prepare)
    {
        prepared = prepare;
        foreach (var device in devices.Values)
            Context.Watch(device);
        ReadAsync(prepare, stop.Token).PipeTo(Self, failure: e => new DataUnreadable(prepare.Job, e));
    }

    /// <summary>The samples first: whether a checkpoint is this job's can only be told with them.</summary>
    private static async Task<DataRead> ReadAsync(PrepareJob prepare, CancellationToken cancellation)
    {
        var data = await DataLoader.LoadAsync(prepare.Definition.Data, prepare.Definition.Seed, cancellation).ConfigureAwait(false);
        var saving = prepare.Options.Checkpoint is null
            ? null
            : await Task.Run(() => JobSaving.Open(prepare.Definition, prepare.Options, data), cancellation).ConfigureAwait(false);
        return new DataRead(prepare.Job, data, saving);
    }

    private void Prepared(DataRead read)
    {
        data = read.Data;
        // What was found is in the store now; held here as well it would take its memory to the end of the job.
        saving = read.Saving is null ? null : read.Saving with { Found = null };
        var resume = read.Saving?.Found?.ResumeFor(read.Job, data, order.Replicas);
        position = resume?.Start ?? StartPoint.Beginning;
        Answer(new JobPrepared(read.Job, data.Description, resume));
    }

    private void NotPrepared(DataUnreadable unreadable)
    {
        if (unreadable.Cause is not JobRefusedException and not OperationCanceledException)
            log.Error(unreadable.Cause, "the data of job {0} could not be read", unreadable.Job);
        Answer(new PreparationFailed(unreadable.Job, unreadable.Cause.Message));
    }

    private void Start(StartWorker start)
    {
        // Whoever was promised later than this was sent has the say now.
        if (!Sender.Equals(conductor) || hold is not null || start.Membership.Generation.Number < (promised?.Number ?? 0))
            return;
        if (membership?.Generation != start.Membership.Generation)
        {
            (membership, begun, held) = (start.Membership, false, false);
            lost.Clear();
            waiting.Clear();
        }

        waiting.Add(start);
        StartWaiting();
    }

    /// <summary>A device takes the next generation's worker when it has let go of the last one's.</summary>
    private void StartWaiting()
    {
        foreach (var start in waiting.ToArray())
        {
            var member = start.Membership.Members[start.Rank];
            if (!devices.TryGetValue(member.Offer.Device, out var device) || data is null)
                Answer(new WorkerRejected(start.Job, start.Membership.Generation, start.Rank, $"{member.Worker} is not prepared for job {start.Job}"));
            else if (start.Start.Replica is { } replica && order.Replicas.Find(replica) is null)
            {
                Fetch(start, replica);
                continue;
            }
            else if (workers.Values.Any(w => w.Device.Equals(device)))
                continue;
            else
                Start(start, member, device, data);
            waiting.Remove(start);
        }
    }

    /// <summary>Whoever is behind, or new here, gets the replica from a peer.</summary>
    private void Fetch(StartWorker start, ReplicaId replica)
    {
        if (fetching == replica)
            return;
        fetching = replica;
        order.Replicas.FetchAsync(start.Job, replica, start.Sources, stop.Token).PipeTo(
            Self, success: state => new ReplicaFetched(replica, state.Step, null), failure: e => new ReplicaFetched(replica, start.Start.Step, e.Message));
    }

    private void Fetched(ReplicaFetched message)
    {
        fetching = null;
        if (message.Failure is null)
        {
            ForgetState();
            position = new StartPoint(message.Step, message.Replica);
        }
        else
        {
            foreach (var start in waiting.Where(s => s.Start.Replica == message.Replica).ToArray())
            {
                waiting.Remove(start);
                Fail(new WorkerRejected(start.Job, start.Membership.Generation, start.Rank, message.Failure), start.Membership.Generation, start.Rank, message.Failure);
            }
        }

        StartWaiting();
    }

    private void Start(StartWorker start, Member member, IActorRef device, Dataset samples)
    {
        var resources = new WorkerResources();
        var space = new WorkerSpace(
            member.Offer.Device, order.Devices.First(d => d.Name == member.Offer.Device).Scratch, order.Settings.StepsAhead + order.Settings.BatchesAhead);
        var (self, worker) = (Self, new WorkerOrder(
            start.Job, prepared.Definition, prepared.Options, start.Membership, start.Rank, samples, start.Start, start.Until, start.Stopping, saving, space));
        var actor = Context.ActorOf(
            Props.Create(() => new WorkerActor(worker, device, self, order.Transport, order.Replicas, resources, order.Settings, order.Time)).WithDispatcher(order.Dispatcher),
            $"worker-{start.Membership.Generation.Number}-{start.Rank}");
        workers.Add(Context.Watch(actor), new Held(start.Job, start.Membership.Generation, start.Rank, device, resources));
    }

    private void Begin(BeginSteps begin)
    {
        if (membership?.Generation == begin.Generation && hold is null)
            collective.Tell(new CollectiveProtocol.BeginGeneration(membership.Rounds(begin.Job, begin.Buckets), begin.FirstStep));
    }

    private void Begun(CollectiveProtocol.GenerationBegun message)
    {
        if (message.Generation != membership?.Generation || hold is not null || held)
            return;
        begun = true;
        foreach (var worker in workers.Keys)
            worker.Tell(new StepsBegun(message.Job, message.Generation));
        // Every worker has the replica now.
        ForgetState();
    }

    private void ForgetState()
    {
        if (position?.Replica is { } id)
            order.Replicas.Forget(id);
        position = null;
    }

    /// <summary>A promise: nothing of the present generation happens here any more that has not happened yet.</summary>
    private void Hold(HoldJob ordered)
    {
        if (promised is not null && ordered.Ballot.CompareTo(promised) < 0)
        {
            Sender.Tell(new HoldRejected(ordered.Job, ordered.Ballot, promised), Context.Parent);
            return;
        }

        (promised, conductor) = (ordered.Ballot, Sender);
        waiting.Clear();
        bool resting = hold is not null;
        hold = ordered;
        if (held)
            Promise();
        if (resting || held)
            return;
        rested.Clear();
        if (membership is { } present)
        {
            order.Transport.Abort(ordered.Job, present.Generation, $"{present.Generation} of job {ordered.Job} is over: {ordered.Ballot} begins the next");
            long? last = order.Transport.LastCompleted(ordered.Job, present.Generation);
            foreach (var worker in workers.Keys)
                worker.Tell(new NodeJobProtocol.InterruptWorker(last));
        }

        Timers.StartSingleTimer(nameof(RestTimedOut), RestTimedOut.Instance, order.Settings.RestTimeout);
        TakeState();
    }

    private void Rested(NodeJobProtocol.WorkerRested message)
    {
        if (hold is null || message.Generation != membership?.Generation)
            return;
        rested.Add(message.Rank);
        TakeState();
    }

    /// <summary>Once all workers here are at rest or lost, one of them gives up its replica.</summary>
    private void TakeState()
    {
        var present = workers.Where(w => w.Value.Generation == membership?.Generation && !lost.ContainsKey(w.Value.Rank)).ToArray();
        if (hold is null || present.Any(w => !rested.Contains(w.Value.Rank)))
            return;
        if (present.Length == 0 || !begun)
            Promise();
        else
            present[0].Key.Tell(NodeJobProtocol.TakeState.Instance);
    }

    private void Taken(NodeJobProtocol.StateTaken message)
    {
        if (hold is null || message.Generation != membership?.Generation)
            return;
        ForgetState();
        position = new StartPoint(message.State.Step, order.Replicas.Keep(hold.Job, message.State));
        tests = message.Tests;
        Promise();
    }

    private void Promise()
    {
        Timers.Cancel(nameof(RestTimedOut));
        Answer(new JobHeld(hold!.Job, hold.Ballot, new SeatState(
            position, records.All, tests, [.. lost.Select(l => new LostWorker(l.Key, l.Value))])));
        (hold, held) = (null, true);
        foreach (var worker in workers.Keys)
            Context.Stop(worker);
    }

    private void Overdue(RestTimedOut timedOut)
    {
        foreach (var worker in workers.Values.Where(w => w.Generation == membership?.Generation && !rested.Contains(w.Rank)))
            lost.TryAdd(worker.Rank, $"it did not come to rest within {order.Settings.RestTimeout.TotalSeconds:0.#} s (singa.runtime.rest-timeout)");
        TakeState();
    }

    private void Ended(Terminated terminated)
    {
        if (workers.TryGetValue(terminated.ActorRef, out var ended))
        {
            if (release is null && !held)
                Fail(ended, "its actor ended; the log says why");
            // Only now is it certain that nothing more is admitted to the device.
            ended.Device.Tell(new DeviceProtocol.UnloadPlan(ended.Job));
            return;
        }

        foreach (var worker in workers.Values.Where(w => w.Device.Equals(terminated.ActorRef)).ToArray())
            Fail(worker, "its device ended; the log says why");
        devices = devices.RemoveRange(devices.Where(d => d.Value.Equals(terminated.ActorRef)).Select(d => d.Key));
        LetGo(terminated.ActorRef);
    }

    private void Fail(Held worker, string reason) =>
        Fail(new WorkerFailed(worker.Job, worker.Generation, worker.Rank, reason), worker.Generation, worker.Rank, reason);

    private void Fail(IEvent report, Generation generation, int rank, string reason)
    {
        if (release is not null || generation != membership?.Generation)
            return;
        lost.TryAdd(rank, reason);
        Answer(report);
        TakeState();
    }

    private void Release(ReleaseJob ordered)
    {
        release = ordered;
        stop.Cancel();
        // First of all: rounds that break because the job ends are no news for anybody's log.
        collective.Tell(new CollectiveProtocol.EndGeneration(ordered.Job, $"job {ordered.Job} has ended"));
        foreach (var worker in workers.Keys)
            Context.Stop(worker);
        LeaveWhenEmpty();
    }

    private void LetGo(IActorRef device)
    {
        foreach (var (actor, worker) in workers.Where(w => w.Value.Device.Equals(device)).ToArray())
        {
            worker.Resources.Dispose();
            workers.Remove(actor);
        }

        StartWaiting();
        LeaveWhenEmpty();
    }

    private void LeaveWhenEmpty()
    {
        if (release is null || workers.Count > 0)
            return;
        Context.Parent.Tell(new Left(release.Job));
        Answer(new JobReleased(release.Job));
        Context.Stop(Self);
    }

    private void Answer(IEvent answer) => conductor.Tell(answer, Context.Parent);

    private sealed record RestTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly RestTimedOut Instance = new();
    }

    /// <summary>To the node: nothing of the job is left here.</summary>
    internal sealed record Left(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record Held(JobId Job, Generation Generation, int Rank, IActorRef Device, WorkerResources Resources);

    private sealed record ReplicaFetched(ReplicaId Replica, long Step, string? Failure) : INoSerializationVerificationNeeded;

    private sealed record DataRead(JobId Job, Dataset Data, JobSaving? Saving) : INoSerializationVerificationNeeded;

    private sealed record DataUnreadable(JobId Job, Exception Cause) : INoSerializationVerificationNeeded;
}
