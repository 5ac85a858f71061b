using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
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
    private Membership? membership;
    private ReleaseJob? release;

    public NodeJobActor(NodeOrder order, IActorRef conductor, IActorRef collective, ImmutableDictionary<string, IActorRef> devices)
    {
        (this.order, this.conductor, this.collective, this.devices) = (order, conductor, collective, devices);
        Receive<PrepareJob>(Prepare);
        Receive<DataRead>(message => Answer(new JobPrepared(message.Job, (data = message.Data).Description)));
        Receive<DataUnreadable>(NotPrepared);
        Receive<StartWorker>(Start);
        Receive<BeginSteps>(message => collective.Tell(
            new CollectiveProtocol.BeginGeneration(membership!.Rounds(message.Job, message.Buckets), FirstStep: 0)));
        Receive<CollectiveProtocol.GenerationBegun>(Begun);
        Receive<CollectiveProtocol.GenerationRejected>(message => Answer(new NodeFailed(message.Job, message.Reason)));
        Receive<ReleaseJob>(Release);
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => LetGo(Sender));
    }

    /// <summary>A worker that throws has lost its state: it ends, and the conductor hears so.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PostStop()
    {
        stop.Cancel();
        stop.Dispose();
    }

    private void Prepare(PrepareJob prepare)
    {
        foreach (var device in devices.Values)
            Context.Watch(device);
        DataLoader.LoadAsync(prepare.Definition.Data, prepare.Definition.Seed, stop.Token).PipeTo(
            Self, success: read => new DataRead(prepare.Job, read), failure: e => new DataUnreadable(prepare.Job, e));
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

        membership = start.Membership;
        var resources = new WorkerResources();
        var worker = Context.ActorOf(
            Props.Create(() => new WorkerActor(
                new WorkerOrder(start.Job, start.Definition, start.Options, start.Membership, start.Rank, data),
                device, conductor, order.Transport, order.Replicas, resources, order.Settings, order.Time)).WithDispatcher(order.Dispatcher),
            $"worker-{start.Membership.Generation.Number}-{start.Rank}");
        workers.Add(Context.Watch(worker), new Held(start.Job, start.Membership.Generation, start.Rank, device, resources));
    }

    private void Begun(CollectiveProtocol.GenerationBegun begun)
    {
        foreach (var worker in workers.Keys)
            worker.Tell(new StepsBegun(begun.Job, begun.Generation));
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

    private sealed record DataRead(JobId Job, Dataset Data) : INoSerializationVerificationNeeded;

    private sealed record DataUnreadable(JobId Job, Exception Cause) : INoSerializationVerificationNeeded;
}
