using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Cluster.Watching;

/// <summary>
/// Tells membership what the data plane knows: a member whose process is proved dead is let go at once, by everybody who knows. Members that are only silent
/// are asked for a sign of life, and let go as <see cref="SilencePolicy"/> says.
/// </summary>
internal sealed class WatchActor : ReceiveActor, IWithTimers
{
    private const string Purpose = "cluster";
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private readonly IDataPlane plane;
    private readonly TimeSpan stableAfter;
    private readonly TimeProvider time;
    private readonly Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly DeadMembers dead = DeadMembers.Of(Context.System.EventStream);
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<UniqueAddress, PeerId?> members = [];
    private readonly HashSet<UniqueAddress> silent = [];
    private readonly HashSet<NodeAddress> letGo = [];
    private IDisposable? observing;
    private DateTimeOffset changed;

    public WatchActor(IDataPlane plane, TimeSpan stableAfter, TimeProvider time)
    {
        (this.plane, this.stableAfter, this.time) = (plane, stableAfter, time);
        Receive<ClusterEvent.MemberRemoved>(Left);
        Receive<ClusterEvent.IMemberEvent>(Joined);
        Receive<ClusterEvent.UnreachableMember>(message => Heard(message.Member.UniqueAddress, isSilent: true));
        Receive<ClusterEvent.ReachableMember>(message => Heard(message.Member.UniqueAddress, isSilent: false));
        Receive<Gone>(Bury);
        Receive<Probe>(probe => probe.State == PeerState.Dead, probe => Bury(new Gone(probe.Peer, probe.Reason)));
        Receive<Probe>(_ => { });
        Receive<Look>(_ => LookAround());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        observing = plane.Observe(new Reporter(Self));
        changed = time.GetUtcNow();
        cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));
        Timers.StartPeriodicTimer(nameof(Look), Look.Instance, LookEvery);
    }

    protected override void PostStop()
    {
        observing?.Dispose();
        cluster.Unsubscribe(Self);
    }

    private void Joined(ClusterEvent.IMemberEvent joined)
    {
        var member = joined.Member.UniqueAddress;
        if (member == cluster.SelfUniqueAddress || members.ContainsKey(member))
            return;
        members.Add(member, PeerRole.Find(joined.Member.Roles));
        dead.Joined(member);
        Connect();
    }

    private void Left(ClusterEvent.MemberRemoved removed)
    {
        var member = removed.Member.UniqueAddress;
        members.Remove(member);
        silent.Remove(member);
        letGo.Remove(ClusterAkka.Node(member.Address));
        dead.Left(member);
        changed = time.GetUtcNow();
        Connect();
    }

    private void Heard(UniqueAddress member, bool isSilent)
    {
        if (!(isSilent ? silent.Add(member) : silent.Remove(member)))
            return;
        changed = time.GetUtcNow();
        if (!dead.IsDead(member.Address.ToString()))
            log.Info(isSilent ? "{0} is silent" : "{0} is heard again", ClusterAkka.Node(member.Address));
    }

    /// <summary>A connection to every member, so that the end of its process is seen when its kernel closes it.</summary>
    private void Connect() => plane.KeepConnected(Purpose, members.Values.OfType<PeerId>());

    private void LookAround()
    {
        foreach (var (member, peer) in members)
        {
            if (silent.Contains(member) && peer is { } asked)
                plane.ProbeAsync(asked).PipeTo(Self);
        }

        var all = members.Keys.Select(m => ClusterAkka.Node(m.Address)).Append(ClusterAkka.Node(cluster.SelfAddress)).ToImmutableHashSet();
        var unheard = silent.Where(members.ContainsKey).Select(m => ClusterAkka.Node(m.Address)).ToImmutableHashSet();
        foreach (var gone in SilencePolicy.LetGo(all, unheard, time.GetUtcNow() - changed, stableAfter))
        {
            if (letGo.Add(gone))
                log.Warning("{0} has been silent for too long, and the others go on without it", gone);
            foreach (var member in members.Keys.Where(m => ClusterAkka.Node(m.Address) == gone))
                cluster.Down(member.Address);
        }
    }

    private void Bury(Gone gone)
    {
        foreach (var (member, _) in members.Where(m => m.Value == gone.Peer).ToArray())
        {
            if (dead.Tell(member))
                log.Info("{0} is gone: {1}", ClusterAkka.Node(member.Address), gone.Reason);
            cluster.Down(member.Address);
        }
    }

    private sealed record Gone(PeerId Peer, string Reason) : INoSerializationVerificationNeeded;

    private sealed record Look : INoSerializationVerificationNeeded
    {
        public static readonly Look Instance = new();
    }

    private sealed class Reporter(IActorRef watch) : IPeerObserver
    {
        public void Lost(PeerId peer, bool proved, string reason)
        {
            if (proved)
                watch.Tell(new Gone(peer, reason), ActorRefs.NoSender);
        }
    }
}
