using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// One process's part in training: opens its devices, offers them to the coordinator, and has a <see cref="NodeJobActor"/> for
/// each job that works here.
/// </summary>
internal sealed class NodeActor : ReceiveActor
{
    private readonly NodeOrder order;
    private readonly IActorRef coordinator;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<string, IActorRef> devices = [];
    private readonly Dictionary<JobId, (IActorRef Actor, IActorRef Conductor)> jobs = [];
    private readonly HashSet<IActorRef> opening = [];
    private IActorRef collective = ActorRefs.Nobody;

    public NodeActor(NodeOrder order, IActorRef coordinator)
    {
        (this.order, this.coordinator) = (order, coordinator);
        Receive<CoordinatorProtocol.DevicesAdmitted>(message =>
            log.Info("{0} offered: {1}", order.Name.Length > 0 ? order.Name : "devices", string.Join(", ", message.Devices.Select(d => d.Device))));
        Receive<DeviceProtocol.DeviceStatus>(_ => Opened(Sender));
        Receive<CoordinatorProtocol.CoordinatorStarted>(message => Offer(message.Coordinator));
        Receive<PrepareJob>(Prepare);
        Receive<StartWorker>(message => Pass(message.Job, message));
        Receive<BeginSteps>(message => Pass(message.Job, message));
        Receive<ReleaseJob>(Release);
        Receive<NodeJobActor.Left>(Forget);
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => { });
        Receive<CollectiveProtocol.GenerationEnded>(_ => { });
    }

    protected override void PreStart()
    {
        collective = Context.Watch(Context.ActorOf(order.Collective.WithDispatcher(order.Dispatcher), "collective"));
        foreach (var device in order.Devices)
            devices.Add(device.Name, Context.Watch(Context.ActorOf(device.Actor.WithDispatcher(order.Dispatcher), device.Name.Replace(':', '-'))));
        // Opening a device takes a moment and may fail; only those that answer are offered, all at once.
        foreach (var device in devices.Values)
        {
            opening.Add(device);
            device.Tell(DeviceProtocol.GetStatus.Instance);
        }
    }

    /// <summary>Whoever throws has lost its state: it ends, and whoever watches draws the conclusions.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Opened(IActorRef device)
    {
        if (opening.Remove(device))
            Offer(coordinator);
    }

    private void Offer(IActorRef whom)
    {
        if (opening.Count == 0)
        {
            whom.Tell(new CoordinatorProtocol.OfferDevices(
                [.. order.Devices.Where(d => devices.ContainsKey(d.Name)).Select(d => new DeviceOffer(order.Name, d.Name))], Self));
        }
    }

    private void Prepare(PrepareJob prepare)
    {
        var here = devices.ToImmutableDictionary();
        var job = Context.ActorOf(
            Props.Create(() => new NodeJobActor(order, Sender, collective, here)).WithDispatcher(order.Dispatcher), prepare.Job.Value);
        jobs.Add(prepare.Job, (Context.Watch(job), Sender));
        job.Forward(prepare);
    }

    private void Pass(JobId id, object message)
    {
        if (jobs.TryGetValue(id, out var job))
            job.Actor.Forward(message);
        else
            Sender.Tell(new NodeFailed(id, $"{(order.Name.Length > 0 ? order.Name : "its node")} knows nothing of job {id}"));
    }

    private void Release(ReleaseJob release)
    {
        if (jobs.TryGetValue(release.Job, out var job))
            job.Actor.Forward(release);
        else
            Sender.Tell(new JobReleased(release.Job));
    }

    private void Forget(NodeJobActor.Left left)
    {
        jobs.Remove(left.Job);
        Context.Unwatch(Sender);
    }

    private void Ended(Terminated terminated)
    {
        foreach (var (name, _) in devices.Where(d => d.Value.Equals(terminated.ActorRef)).ToArray())
        {
            devices.Remove(name);
            if (opening.Contains(terminated.ActorRef))
                log.Error("{0} could not be opened and is not offered", name);
            else
                coordinator.Tell(new CoordinatorProtocol.WithdrawDevice(new DeviceOffer(order.Name, name), "its actor ended; the log says why"));
            Opened(terminated.ActorRef);
        }

        foreach (var (id, job) in jobs.Where(j => j.Value.Actor.Equals(terminated.ActorRef)).ToArray())
        {
            jobs.Remove(id);
            job.Conductor.Tell(new NodeFailed(id, "its node lost count of it; the log says why"));
            collective.Tell(new CollectiveProtocol.EndGeneration(id, $"the node of job {id} lost count of it"));
            foreach (var device in devices.Values)
                device.Tell(new DeviceProtocol.UnloadPlan(id));
        }

        // Without rounds no job can go on, and none could begin.
        if (terminated.ActorRef.Equals(collective))
            Context.Stop(Self);
    }
}

/// <summary>What a node is started with. <c>Name</c>: empty where there is only one.</summary>
internal sealed record NodeOrder(
    string Name, ImmutableArray<NodeDevice> Devices, Props Collective, ITransport Transport, ReplicaStore Replicas, RuntimeSettings Settings,
    TimeProvider Time, string Dispatcher);

/// <summary><c>Actor</c> opens the device when it starts. <c>Scratch</c>: working memory that a plan's kernels ask for on it.</summary>
internal sealed record NodeDevice(string Name, Props Actor, Func<Plan, long> Scratch);
