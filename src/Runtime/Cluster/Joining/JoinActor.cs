using System.Collections.Immutable;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Cluster.Joining;

/// <summary>
/// Finds the cluster, or begins it where <see cref="JoinPolicy"/> says so; then remembers who is in it, and tells the host when this node is
/// in it no more.
/// <code>
/// asking (everybody it knows) ─► joining ─► member ─► the host starts the system anew
/// </code>
/// </summary>
internal sealed class JoinActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(250), JoinFor = TimeSpan.FromSeconds(6), LookEvery = TimeSpan.FromSeconds(2), SayEvery = TimeSpan.FromSeconds(10);

    private const int JoinAttempts = 2;

    private readonly JoinOrder order;
    private readonly Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly ImmutableArray<JoinCandidate> candidates;
    private readonly Dictionary<NodeAddress, CandidateAnswer> answers = [];
    private readonly NodeAddress self;
    private ImmutableSortedSet<NodeAddress> members = [], seen = [];
    private Phase phase;
    private string? name;
    // The cluster it was in.
    private readonly string? formerly;
    private readonly bool isFirstSeed;
    private bool failedToRemember, over;
    private DateTimeOffset started, began, said;
    private int refused;

    public JoinActor(JoinOrder order)
    {
        this.order = order;
        self = ClusterAkka.Node(cluster.SelfAddress);
        var (remembered, known) = order.Remembered.Read();
        var seeds = order.Seeds.Where(s => s != self).ToArray();
        candidates = [.. seeds.Select(s => new JoinCandidate(s, Patience(s))), .. known.Except(seeds).Select(m => new JoinCandidate(m, Patience(m), remembered)),
            .. order.Before.Except(seeds).Except(known).Where(m => m != self).Select(m => new JoinCandidate(m, Patience(m)))];
        // Once it has been in a cluster, silence is no reason to begin another: it waits for an answer, or for the news that nobody is left.
        TimeSpan Patience(NodeAddress whom) => !order.IsFirstStart ? TimeSpan.MaxValue : known.Contains(whom) ? order.Times.RecallAfter : order.Times.FormAfter;
        formerly = order.Formerly ?? remembered;
        isFirstSeed = order.Seeds.IsEmpty || order.Seeds[0] == self;
        Receive<Tick>(_ => Asked());
        Receive<GateProtocol.GetMembership>(_ => Sender.Tell(new GateProtocol.MembershipStatus(
            self.ToString(), phase == Phase.Member ? name : null, phase == Phase.Member ? [.. members.Select(m => m.ToString())] : [], MayForm)));
        Receive<GateProtocol.MembershipStatus>(Heard);
        Receive<AssociationErrorEvent>(Failed);
        Receive<ThisActorSystemQuarantinedEvent>(quarantined =>
        {
            if (seen.Contains(ClusterAkka.Node(quarantined.RemoteAddress)))
                Leave($"{ClusterAkka.Node(quarantined.RemoteAddress)} goes on without this node");
        });
        Receive<ClusterEvent.IMemberEvent>(Changed);
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool MayForm => isFirstSeed || (formerly is not null && JoinPolicy.MayReturn(candidates, answers));

    protected override void PreStart()
    {
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        started = began = said = order.Time.GetUtcNow();
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, AskEvery);
        Evaluate();
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    private void Asked()
    {
        switch (phase)
        {
            case Phase.Asking:
                Ask(candidates.Select(c => c.Address));
                if (order.Time.GetUtcNow() - said > SayEvery)
                {
                    said = order.Time.GetUtcNow();
                    log.Info("waits for a cluster: {0}", string.Join(", ", candidates.Select(c => $"{c.Address} {Text(answers.GetValueOrDefault(c.Address))}")));
                }

                Evaluate();
                break;
            case Phase.Joining when order.Time.GetUtcNow() - began > JoinFor:
                // Members that cannot agree on who is there never take anybody in, and this one's view may be what they lack: another life has another.
                if (++refused == JoinAttempts && cluster.State.Members.Any(m => m.UniqueAddress == cluster.SelfUniqueAddress))
                {
                    Leave($"it was not taken in within {(JoinAttempts * JoinFor).TotalSeconds:0} s");
                    return;
                }

                log.Info("was not taken in within {0} s, and asks again", JoinFor.TotalSeconds);
                phase = Phase.Asking;
                answers.Clear();
                break;
            // Those that were away when it began, or cut off, may be in a cluster of their own.
            case Phase.Member:
                Ask(candidates.Select(c => c.Address).Except(members));
                break;
        }
    }

    private static string Text(CandidateAnswer? answer) => answer switch
    {
        CandidateAnswer.Absent => "is not there",
        CandidateAnswer.Outside => "looks for one too",
        CandidateAnswer.InCluster => "is in one",
        _ => "does not answer",
    };

    private void Ask(IEnumerable<NodeAddress> whom)
    {
        foreach (var address in whom)
            Context.ActorSelection(new RootActorPath(ClusterAkka.Address(address, order.Trust)) / "user" / NodePaths.Gate).Tell(GateProtocol.GetMembership.Instance);
    }

    private void Heard(GateProtocol.MembershipStatus status)
    {
        if (!NodeAddress.TryParse(status.Node, out var node))
            return;
        CandidateAnswer answer = status.Cluster is null
            ? new CandidateAnswer.Outside(status.MayForm)
            : new CandidateAnswer.InCluster(status.Cluster, [.. ClusterSettings.Addresses(status.Members, "an answer")]);
        answers[node.Value] = answer;
        if (phase == Phase.Asking)
            Evaluate();
        else if (phase == Phase.Member && answer is CandidateAnswer.InCluster other && candidates.Any(c => c.Address == node && c.Counts(other)) && JoinPolicy.GivesWay(new CandidateAnswer.InCluster(name!, [.. members]), other))
            Leave($"{node} is in a cluster of {other.Members.Length}, which stays; this one had {members.Count}");
    }

    private void Failed(AssociationErrorEvent error)
    {
        if (phase != Phase.Asking || error.RemoteAddress?.Port is null || !IsRefusal(error.Cause))
            return;
        var node = ClusterAkka.Node(error.RemoteAddress);
        if (!candidates.Any(c => c.Address == node))
            return;
        answers[node] = new CandidateAnswer.Absent();
        Evaluate();
    }

    private static bool IsRefusal(Exception? cause)
    {
        for (; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused } || cause.Message.Contains("refused", StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    private void Evaluate()
    {
        if (phase != Phase.Asking)
            return;
        switch (JoinPolicy.Decide(self, MayForm, order.Time.GetUtcNow() - started, candidates, answers))
        {
            case JoinDecision.Join join:
                (phase, name, began) = (Phase.Joining, join.Cluster, order.Time.GetUtcNow());
                cluster.JoinSeedNodes(join.Through.Select(m => ClusterAkka.Address(m, order.Trust)));
                break;
            case JoinDecision.Form:
                (phase, name, began) = (Phase.Joining, formerly is null ? ClusterName.New() : ClusterName.Again(formerly), order.Time.GetUtcNow());
                cluster.Join(cluster.SelfAddress);
                break;
        }
    }

    private void Changed(ClusterEvent.IMemberEvent change)
    {
        var node = ClusterAkka.Node(change.Member.Address);
        bool own = change.Member.UniqueAddress == cluster.SelfUniqueAddress;
        switch (change)
        {
            case ClusterEvent.MemberUp when own:
                phase = Phase.Member;
                members = members.Add(node);
                Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, LookEvery);
                order.Joined(name!);
                break;
            case ClusterEvent.MemberUp:
                members = members.Add(node);
                seen = seen.Add(node);
                break;
            case ClusterEvent.MemberDowned or ClusterEvent.MemberRemoved when own:
                Leave("the others have let this node go");
                return;
            case ClusterEvent.MemberRemoved:
                members = members.Remove(node);
                break;
        }

        if (phase == Phase.Member && change is ClusterEvent.MemberUp or ClusterEvent.MemberRemoved)
            Remember();
    }

    private void Remember()
    {
        order.Members(members);
        if (order.Remembered.Write(name!, members) is { } failure && !failedToRemember)
        {
            failedToRemember = true;
            log.Warning("the members of the cluster cannot be remembered for a restart: {0}", failure);
        }
    }

    /// <summary>Whoever leaves of its own will is stopped before.</summary>
    private void Leave(string why)
    {
        if (over)
            return;
        over = true;
        order.Left(why);
    }

    private enum Phase
    {
        Asking, Joining, Member,
    }

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }
}

/// <param name="Before">Members that this process saw before its system began anew.</param>
/// <param name="Formerly">The cluster in which it saw them.</param>
/// <param name="IsFirstStart">This process has not been in a cluster yet.</param>
/// <param name="Joined">With the cluster's name: this node is up.</param>
/// <param name="Members">Who is up, whenever it changes.</param>
/// <param name="Left">Why this node is in the cluster no more.</param>
internal sealed record JoinOrder(
    ImmutableArray<NodeAddress> Seeds, ImmutableArray<NodeAddress> Before, string? Formerly, bool IsFirstStart, ClusterTimes Times, PeerCredentials? Trust, RememberedMembers Remembered,
    TimeProvider Time, Action<string> Joined, Action<ImmutableSortedSet<NodeAddress>> Members, Action<string> Left);
