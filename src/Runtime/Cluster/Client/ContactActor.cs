using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Runtime.Cluster.Client;

/// <summary>
/// Stands in for the coordinator in a process that is no member: passes what it is told to whichever gate answers, learns from it who else there is, and
/// turns to another when it falls silent. A job is submitted again until it is accepted, which does no harm: the coordinator knows it.
/// </summary>
internal sealed class ContactActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(400), SilentFor = TimeSpan.FromSeconds(2);

    private readonly ContactOrder order;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly List<NodeAddress> known;
    private readonly Queue<(object Message, IActorRef Sender)> held = [];
    private readonly Dictionary<JobId, CoordinatorProtocol.SubmitJob> unanswered = [];
    private readonly Dictionary<JobId, IActorRef> running = [];
    private NodeAddress? contact;
    private DateTimeOffset heard, lost;
    private int next;

    public ContactActor(ContactOrder order)
    {
        this.order = order;
        known = [.. order.Contacts];
        heard = lost = order.Time.GetUtcNow();
        Receive<CoordinatorProtocol.SubmitJob>(submit => submit.Formerly.IsEmpty, submit =>
        {
            unanswered[submit.Job] = submit;
            running[submit.Job] = submit.Observer;
            Context.WatchWith(submit.Observer, new Ended(submit.Job));
            Pass(submit, submit.Observer);
        });
        Receive<CoordinatorProtocol.ICommand>(message => Pass(message, Sender));
        Receive<Settled>(message => unanswered.Remove(message.Job));
        Receive<Ended>(message =>
        {
            unanswered.Remove(message.Job);
            running.Remove(message.Job);
        });
        Receive<GateProtocol.MembershipStatus>(Heard);
        Receive<Tick>(_ => Ask());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, AskEvery);

    private void Pass(object message, IActorRef sender)
    {
        if (contact is { } gate)
            Gate(gate).Tell(message, sender);
        else
            held.Enqueue((message, sender));
    }

    private void Ask()
    {
        var now = order.Time.GetUtcNow();
        if (contact is { } present && now - heard > SilentFor)
        {
            log.Info("{0} says nothing any more; others are asked", present);
            (contact, lost) = (null, now);
        }

        if (contact is { } gate)
        {
            Gate(gate).Tell(GateProtocol.GetMembership.Instance);
            foreach (var submit in unanswered.Values)
                Gate(gate).Tell(submit, submit.Observer);
            return;
        }

        Gate(known[next++ % known.Count]).Tell(GateProtocol.GetMembership.Instance);
        if (now - lost > order.Patience && running.Count > 0)
        {
            lost = now;
            GiveUp();
        }
    }

    private void Heard(GateProtocol.MembershipStatus status)
    {
        // One that looks for the cluster itself is of no use yet.
        if (status.Cluster is null || !NodeAddress.TryParse(status.Node, out var node))
            return;
        heard = order.Time.GetUtcNow();
        contact ??= node;
        known.AddRange(status.Members.Select(m => NodeAddress.TryParse(m, out var member) ? member : null).OfType<NodeAddress>().Except(known).ToArray());
        while (held.TryDequeue(out var waiting))
            Pass(waiting.Message, waiting.Sender);
    }

    /// <summary>A job may be heard of all the same, from nodes that wait for one that is silent: its observer knows.</summary>
    private void GiveUp()
    {
        var reason = order.NotReached(known);
        foreach (var observer in running.Values)
            reason.PipeTo(observer, success: why => new ObserverActor.ClusterLost(why, order.Patience));
    }

    private ActorSelection Gate(NodeAddress node) => Context.ActorSelection(new RootActorPath(ClusterAkka.Address(node, order.Trust)) / "user" / NodePaths.Gate);

    /// <summary>A job is accepted, or has ended: it need not be submitted again.</summary>
    internal sealed record Settled(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record Ended(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }
}

/// <param name="Patience">How long nobody may answer before jobs that are not heard of either are given up.</param>
/// <param name="NotReached">What is the matter with nodes that do not answer, for people.</param>
internal sealed record ContactOrder(
    ImmutableArray<NodeAddress> Contacts, Collective.PeerCredentials? Trust, TimeSpan Patience, TimeProvider Time, Func<IReadOnlyList<NodeAddress>, Task<string>> NotReached);
