using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// One process's part in training: opens its devices and offers them to the coordinator, has a seat (<see cref="NodeJobActor"/>) for each job that works
/// here, and a conductor (<see cref="JobActor"/>) for each job that is conducted from here. What is said to either comes through it.
/// </summary>
internal sealed class NodeActor : ReceiveActor
{
    private readonly NodeOrder order;
    private readonly IActorRef coordinator;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<string, IActorRef> devices = [];
    private readonly Dictionary<JobId, (IActorRef Actor, IActorRef Conductor)> seats = [];
    private readonly Dictionary<IActorRef, NodeJobActor.GaveWay> givingWay = [];
    private readonly Dictionary<JobId, (IActorRef Actor, CoordinatorProtocol.ConductJob Order)> conductors = [];
    private readonly Dictionary<PeerId, Regrouping.NodeKey> peers = [];
    private readonly HashSet<IActorRef> opening = [];
    private readonly EndedJobs over = new();
    private IActorRef collective = ActorRefs.Nobody;
    private IDisposable? observing;
    private IActorRef? leaver;

    public NodeActor(NodeOrder order, IActorRef coordinator)
    {
        (this.order, this.coordinator) = (order, coordinator);
        Receive<CoordinatorProtocol.DevicesAdmitted>(message =>
            log.Info("{0} offered: {1}", Name, string.Join(", ", message.Devices.Select(d => d.Device))));
        Receive<DeviceProtocol.DeviceStatus>(_ => Opened(Sender));
        Receive<CoordinatorProtocol.CoordinatorStarted>(message => Introduce(message.Coordinator));
        Receive<PrepareJob>(Prepare);
        Receive<CoordinatorProtocol.ConductJob>(message => Conduct(message, null));
        Receive<TakeOver>(message => Conduct(message.Conduct, message));
        ToSeats();
        ToConductors();
        Receive<PeerLost>(Lost);
        Receive<LeaveNode>(_ => Leave());
        Receive<NodeJobActor.LetGoOf>(message =>
        {
            if (conductors.TryGetValue(message.Job, out var conductor))
                conductor.Actor.Tell(new JobReleased(message.Job, order.Key));
            else if (seats.TryGetValue(message.Job, out var seat))
                seat.Conductor.Tell(new JobReleased(message.Job, order.Key));
        });
        Receive<NodeJobActor.GaveWay>(message => givingWay[Sender] = message);
        Receive<NodeJobActor.Left>(Forget);
        Receive<JobActor.Left>(Forget);
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => { });
        Receive<CollectiveProtocol.GenerationEnded>(_ => { });
    }

    private string Name => order.Key.Name.Length > 0 ? order.Key.Name : "this node";

    protected override void PreStart()
    {
        collective = Context.Watch(Context.ActorOf(order.Collective.WithDispatcher(order.Dispatcher), "collective"));
        observing = order.Plane?.Observe(new PeerReporter(Self));
        foreach (var device in order.Devices)
            devices.Add(device.Name, Context.Watch(Context.ActorOf(device.Actor.WithDispatcher(order.Dispatcher), device.Name.Replace(':', '-'))));
        // Opening a device takes a moment and may fail; only those that answer are offered, all at once.
        foreach (var device in devices.Values)
        {
            opening.Add(device);
            device.Tell(DeviceProtocol.GetStatus.Instance);
        }
    }

    protected override void PostStop() => observing?.Dispose();

    /// <summary>Whoever throws has lost its state: it ends, and whoever watches draws the conclusions.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void ToSeats()
    {
        Receive<ExpectGeneration>(message => ToSeat(message.Job, message));
        Receive<StartGeneration>(message => ToSeat(message.Job, message));
        Receive<BeginSteps>(message => ToSeat(message.Job, message));
        Receive<HoldJob>(message => ToSeat(message.Job, message));
        Receive<StepsRecorded>(message => ToSeat(message.Job, message));
        Receive<HoldHeard>(message => ToSeat(message.Job, message));
        Receive<JobHeld>(message => ToSeat(message.Job, message));
        Receive<HoldRejected>(message => ToSeat(message.Job, message));
        Receive<NodeReady>(message => ToSeat(message.Job, message));
        Receive<RegroupJob>(message => ToSeat(message.Job, message));
        Receive<ConductorBegun>(message => ToSeat(message.Job, message));
        Receive<LeaveJob>(message => ToSeat(message.Job, message));
        Receive<NodeGone>(message => ToSeat(message.Job, message));
        Receive<ForgetJob>(message => ToSeat(message.Job, message));
        Receive<ReleaseJob>(message =>
        {
            if (seats.TryGetValue(message.Job, out var seat))
            {
                // Whoever conducts by now waits for the answer; it may not be the one that had the job prepared.
                seats[message.Job] = (seat.Actor, Sender);
                seat.Actor.Forward(message);
            }
            else
            {
                Sender.Tell(new JobReleased(message.Job, order.Key));
            }
        });
    }

    private void ToConductors()
    {
        Receive<CoordinatorProtocol.CancelJob>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.GetJob>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.GetJobs>(_ =>
        {
            foreach (var (id, conductor) in conductors)
                conductor.Actor.Forward(new CoordinatorProtocol.GetJob(id));
            foreach (var (id, seat) in seats.Where(s => !conductors.ContainsKey(s.Key)))
                seat.Actor.Forward(new CoordinatorProtocol.GetJob(id));
        });
        Receive<CoordinatorProtocol.StopJob>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.PauseJob>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.ResumeJob>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.AllotDevices>(message => ToConductor(message.Job, message));
        Receive<CoordinatorProtocol.DismissNode>(message =>
        {
            foreach (var conductor in conductors.Values)
                conductor.Actor.Forward(message);
        });
        Receive<CoordinatorProtocol.WithdrawDevice>(message =>
        {
            foreach (var conductor in conductors.Values)
                conductor.Actor.Forward(message);
        });
        Receive<CoordinatorProtocol.JobConducted>(message => coordinator.Tell(message));
        // What a seat has to say after its conductor has gone elsewhere, or of a node that knows nothing of the job any more.
        Receive<NodeFailed>(message => ToConductor(message.Job, message));
    }

    private void Opened(IActorRef device)
    {
        if (opening.Remove(device) && opening.Count == 0)
            Offer();
    }

    /// <summary>A coordinator that has just begun knows neither what is offered here nor what is conducted from here.</summary>
    private void Introduce(IActorRef beginner)
    {
        if (opening.Count == 0)
            beginner.Tell(new CoordinatorProtocol.OfferDevices(Offered()));
        foreach (var conductor in conductors.Values)
            conductor.Actor.Tell(AnnounceJob.Instance);
    }

    private void Offer() => coordinator.Tell(new CoordinatorProtocol.OfferDevices(Offered()));

    private JobNode Offered() =>
        order.AsNode(Self, [.. order.Devices.Where(d => devices.ContainsKey(d.Name)).Select(d => order.Offer(d.Name))]);

    private void Prepare(PrepareJob prepare)
    {
        if (!seats.TryGetValue(prepare.Job, out var known))
            Open(prepare, Sender);
        else if (givingWay.ContainsKey(known.Actor))
            givingWay[known.Actor] = new NodeJobActor.GaveWay(prepare, Sender);
        else
            known.Actor.Forward(prepare);
    }

    private void Open(PrepareJob prepare, IActorRef conductor)
    {
        var here = devices.ToImmutableDictionary();
        var seat = Context.ActorOf(
            Props.Create(() => new NodeJobActor(order, prepare, conductor, collective, here)).WithDispatcher(order.Dispatcher), prepare.Job.Value);
        seats.Add(prepare.Job, (Context.Watch(seat), conductor));
    }

    private void Conduct(CoordinatorProtocol.ConductJob job, TakeOver? takeOver)
    {
        if (conductors.ContainsKey(job.Job))
            return;
        foreach (var node in job.Nodes)
        {
            if (node.Peer is { } peer)
                peers[peer] = node.Key;
        }

        var conductor = Context.ActorOf(
            Props.Create(() => new JobActor(job, order.Key, order.Library, order.Settings, order.Time, takeOver)).WithDispatcher(order.Dispatcher), $"conductor-{job.Job}");
        conductors.Add(job.Job, (Context.Watch(conductor), job));
    }

    private void ToSeat(JobId id, object message)
    {
        if (message is StartGeneration start)
        {
            foreach (var node in start.Nodes)
            {
                if (node.Peer is { } peer)
                    peers[peer] = node.Key;
            }
        }

        if (seats.TryGetValue(id, out var seat))
            seat.Actor.Forward(message);
        else if (message is not WorkerProtocol.ICommand or StepsRecorded or ForgetJob)
            return;
        else if (over.Contains(id))
            Sender.Tell(new ReleaseJob(id));
        else
            Sender.Tell(new NodeFailed(id, order.Key, $"{Name} knows nothing of job {id}"));
    }

    private void ToConductor(JobId id, object message)
    {
        if (conductors.TryGetValue(id, out var conductor))
            conductor.Actor.Forward(message);
        else if (message is NodeFailed failed)
            ToSeat(id, new NodeGone(id, failed.From, failed.Reason));
    }

    /// <summary>The data plane knows it first.</summary>
    private void Lost(PeerLost lost)
    {
        if (!lost.IsProved || !peers.TryGetValue(lost.Peer, out var node))
            return;
        foreach (var (id, seat) in seats)
            seat.Actor.Tell(new NodeGone(id, node, lost.Reason));
        foreach (var (id, conductor) in conductors)
            conductor.Actor.Tell(new NodeGone(id, node, lost.Reason));
    }

    /// <summary>The jobs go on without this node from their next step boundary on.</summary>
    private void Leave()
    {
        leaver = Sender;
        coordinator.Tell(new CoordinatorProtocol.DismissNode(order.Key));
        foreach (var (id, seat) in seats)
            seat.Actor.Tell(new LeaveJob(id));
        LeaveWhenEmpty();
    }

    private void LeaveWhenEmpty()
    {
        if (seats.Count == 0 && conductors.Count == 0)
            leaver?.Tell(NodeLeft.Instance);
    }

    private void Forget(NodeJobActor.Left left)
    {
        if (!seats.Remove(left.Job))
            return;
        Context.Unwatch(Sender);
        if (left.IsOver)
        {
            over.Add(left.Job);
            // Where its conductor is gone nobody else says so.
            if (!conductors.ContainsKey(left.Job))
                coordinator.Tell(new CoordinatorProtocol.JobLeft(left.Job));
        }

        LeaveWhenEmpty();
        if (left.IsOut)
            Offer();
    }

    private void Forget(JobActor.Left left)
    {
        conductors.Remove(left.Job);
        if (left.IsOver)
            over.Add(left.Job);
        Context.Unwatch(Sender);
        LeaveWhenEmpty();
        if (left.IsOver)
            coordinator.Tell(new CoordinatorProtocol.JobLeft(left.Job));
    }

    private void Ended(Terminated terminated)
    {
        if (givingWay.Remove(terminated.ActorRef, out var next))
        {
            seats.Remove(next.Order.Job);
            Open(next.Order, next.Conductor);
            return;
        }

        foreach (var (name, _) in devices.Where(d => d.Value.Equals(terminated.ActorRef)).ToArray())
        {
            devices.Remove(name);
            if (opening.Contains(terminated.ActorRef))
            {
                log.Error("{0} could not be opened and is not offered", name);
            }
            else
            {
                var withdraw = new CoordinatorProtocol.WithdrawDevice(order.Offer(name), "its actor ended; the log says why");
                coordinator.Tell(withdraw);
            }

            Opened(terminated.ActorRef);
        }

        foreach (var (id, seat) in seats.Where(j => j.Value.Actor.Equals(terminated.ActorRef)).ToArray())
        {
            seats.Remove(id);
            var failed = new NodeFailed(id, order.Key, $"{Name} lost count of job {id}; the log says why");
            if (conductors.TryGetValue(id, out var conductor))
                conductor.Actor.Tell(failed);
            else
                seat.Conductor.Tell(failed);
            collective.Tell(new CollectiveProtocol.EndGeneration(id, failed.Reason));
            foreach (var device in devices.Values)
                device.Tell(new DeviceProtocol.UnloadPlan(id));
        }

        // A conductor that broke can no longer tell anybody to let go.
        foreach (var (id, conductor) in conductors.Where(c => c.Value.Actor.Equals(terminated.ActorRef)).ToArray())
        {
            conductors.Remove(id);
            foreach (var node in conductor.Order.Nodes)
                node.Node.Tell(new ReleaseJob(id));
            conductor.Order.Observer.Tell(new CoordinatorProtocol.JobFailed(id, "its conductor ended unexpectedly; the log says why"));
            coordinator.Tell(new CoordinatorProtocol.JobLeft(id));
        }

        // Without rounds no job can go on, and none could begin.
        if (terminated.ActorRef.Equals(collective))
            Context.Stop(Self);
    }

    private sealed class PeerReporter(IActorRef node) : IPeerObserver
    {
        public void Lost(PeerId peer, bool proved, string reason) => node.Tell(new PeerLost(peer, proved, reason), ActorRefs.NoSender);
    }
}
