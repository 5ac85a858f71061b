using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// One job on one node: reads its data once for all workers here, starts them, opens their rounds. What workers hold outlives them
/// here until their device has let go of it. It answers the conductor in the node's name.
/// </summary>
internal sealed class NodeJobActor : ReceiveActor
{
    private readonly NodeOrder order;
    private readonly IActorRef conductor;
    private readonly IActorRef collective;
    private readonly ImmutableDictionary<string, IActorRef> devices;
    private readonly Dictionary<IActorRef, Held> workers = [];
    private readonly CancellationTokenSource stop = new();
    private readonly ILoggingAdapter log = Context.GetLogger();
    private Dataset? data;
    private JobSaving? saving;
    private ReplicaId? first;
    private Membership? membership;
    private ReleaseJob? release;

    public NodeJobActor(NodeOrder order, IActorRef conductor, IActorRef collective, ImmutableDictionary<string, IActorRef> devices)
    {
        (this.order, this.conductor, this.collective, this.devices) = (order, conductor, collective, devices);
        Receive<PrepareJob>(Prepare);
        Receive<DataRead>(Prepared);
        Receive<DataUnreadable>(NotPrepared);
        Receive<StartWorker>(Start);
        Receive<BeginSteps>(message => collective.Tell(
            new CollectiveProtocol.BeginGeneration(membership!.Rounds(message.Job, message.Buckets), message.FirstStep)));
        Receive<CollectiveProtocol.GenerationBegun>(Begun);
        Receive<CollectiveProtocol.GenerationRejected>(message => Answer(new NodeFailed(message.Job, message.Reason)));
        Receive<ReleaseJob>(Release);
        Receive<CollectiveProtocol.GenerationEnded>(_ => { });
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => LetGo(Sender));
    }

    /// <summary>A worker that throws has lost its state: it ends, and the conductor hears so.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PostStop()
    {
        stop.Cancel();
        stop.Dispose();
        ForgetFirst();
    }

    private void Prepare(PrepareJob prepare)
    {
        foreach (var device in devices.Values)
            Context.Watch(device);
        ReadAsync(prepare, order.Hosts, stop.Token).PipeTo(Self, failure: e => new DataUnreadable(prepare.Job, e));
    }

    /// <summary>The samples first: whether a checkpoint is this job's can only be told with them.</summary>
    private static async Task<DataRead> ReadAsync(PrepareJob prepare, HostDataStore hosts, CancellationToken cancellation)
    {
        var data = await DataLoader.LoadAsync(prepare.Definition.Data, hosts, prepare.Definition.Seed, cancellation).ConfigureAwait(false);
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
        first = resume?.Start.Replica;
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
        var member = start.Membership.Members[start.Rank];
        if (data is null || !devices.TryGetValue(member.Offer.Device, out var device))
        {
            Answer(new WorkerRejected(start.Job, start.Membership.Generation, start.Rank, $"{member.Worker} is not prepared for job {start.Job}"));
            return;
        }

        if (start.Start.Replica is { } replica && order.Replicas.Find(replica) is null)
        {
            Answer(new WorkerRejected(start.Job, start.Membership.Generation, start.Rank, $"{member.Worker} has no replica {replica} to begin step {start.Start.Step} with"));
            return;
        }

        membership = start.Membership;
        var resources = new WorkerResources();
        var space = new WorkerSpace(
            member.Offer.Device, order.Devices.First(d => d.Name == member.Offer.Device).Scratch, order.Settings.StepsAhead + order.Settings.BatchesAhead);
        var worker = Context.ActorOf(
            Props.Create(() => new WorkerActor(
                new WorkerOrder(start.Job, start.Definition, start.Options, start.Membership, start.Rank, data, start.Start, start.Until, saving, space),
                device, conductor, order.Transport, order.Replicas, resources, order.Settings, order.Time)).WithDispatcher(order.Dispatcher),
            $"worker-{start.Membership.Generation.Number}-{start.Rank}");
        workers.Add(Context.Watch(worker), new Held(start.Job, start.Membership.Generation, start.Rank, device, resources));
    }

    private void Begun(CollectiveProtocol.GenerationBegun begun)
    {
        foreach (var worker in workers.Keys)
            worker.Tell(new StepsBegun(begun.Job, begun.Generation));
        ForgetFirst();
    }

    /// <summary>Every worker has the replica now.</summary>
    private void ForgetFirst()
    {
        if (first is { } id)
            order.Replicas.Forget(id);
        first = null;
    }

    private void Ended(Terminated terminated)
    {
        if (workers.TryGetValue(terminated.ActorRef, out var ended))
        {
            Fail(ended, "its actor ended; the log says why");
            // Only now is it certain that nothing more is admitted to the device.
            ended.Device.Tell(new DeviceProtocol.UnloadPlan(ended.Job));
            return;
        }

        foreach (var worker in workers.Values.Where(w => w.Device.Equals(terminated.ActorRef)))
            Fail(worker, "its device ended; the log says why");
        LetGo(terminated.ActorRef);
    }

    private void Fail(Held worker, string reason)
    {
        if (release is null)
            Answer(new WorkerFailed(worker.Job, worker.Generation, worker.Rank, reason));
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

    /// <summary>To the node: nothing of the job is left here.</summary>
    internal sealed record Left(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record Held(JobId Job, Generation Generation, int Rank, IActorRef Device, WorkerResources Resources);

    private sealed record DataRead(JobId Job, Dataset Data, JobSaving? Saving) : INoSerializationVerificationNeeded;

    private sealed record DataUnreadable(JobId Job, Exception Cause) : INoSerializationVerificationNeeded;
}
