using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Hosting;
using static Singa.Actors.Runtime.Cluster.Gate.GateProtocol;

namespace Singa.Actors.Runtime.Cluster.Gate;

/// <summary>One answer to <see cref="GetClusterStatus"/>: asks every member about itself and the coordinator about devices and jobs, and waits for none longer than for the rest.</summary>
internal sealed class StatusActor : ReceiveActor, IWithTimers
{
    private readonly GateOrder order;
    private readonly IActorRef asker;
    private readonly CurrentClusterStateView view;
    private readonly Dictionary<string, NodeStatus> nodes = [];
    private readonly Dictionary<string, JobStatus> jobs = [];
    private CoordinatorProtocol.CoordinatorStatus? coordination;
    private MembershipStatus? membership;

    public StatusActor(GateOrder order, IActorRef coordinator, IActorRef joining, IActorRef asker)
    {
        (this.order, this.asker) = (order, asker);
        view = CurrentClusterStateView.Of(Akka.Cluster.Cluster.Get(Context.System));
        Receive<NodeStatus>(status => Heard(() => nodes[status.Node] = status));
        Receive<CoordinatorProtocol.CoordinatorStatus>(status => Heard(() => Coordinated(status)));
        // A seat that waits for a conductor which has long gone on without it says so of an older generation.
        Receive<JobStatus>(status => Heard(() => jobs[status.Job] = jobs.TryGetValue(status.Job, out var known) && known.Generation > status.Generation ? known : status));
        Receive<MembershipStatus>(status => Heard(() => membership = status));
        Receive<TimedOut>(_ => Answer());
        joining.Tell(GetMembership.Instance);
        coordinator.Tell(CoordinatorProtocol.GetCoordinator.Instance);
        foreach (var member in view.Members)
        {
            Context.ActorSelection(new RootActorPath(member.Address) / "user" / NodePaths.Gate).Tell(GetNodeStatus.Instance);
            Context.ActorSelection(new RootActorPath(member.Address) / "user" / NodePaths.Node).Tell(CoordinatorProtocol.GetJobs.Instance);
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(GateOrder order, IActorRef coordinator, IActorRef joining, IActorRef asker) =>
        Akka.Actor.Props.Create(() => new StatusActor(order, coordinator, joining, asker));

    protected override void PreStart() => Timers.StartSingleTimer(nameof(TimedOut), TimedOut.Instance, order.Patience);

    private void Coordinated(CoordinatorProtocol.CoordinatorStatus status)
    {
        coordination = status;
        foreach (var job in status.Conducted)
            job.Conductor.Tell(new CoordinatorProtocol.GetJob(job.Job));
    }

    private void Heard(Action take)
    {
        take();
        // Those that are known to be silent are asked, but not waited for.
        if (coordination is not null && coordination.Conducted.All(j => jobs.ContainsKey(j.Job.Value)) && membership is not null && view.Members.All(m => m.State == "unreachable" || nodes.ContainsKey(m.Name)))
            Answer();
    }

    private void Answer()
    {
        var devices = (coordination?.Devices ?? []).ToLookup(d => d.Node, d => d.Device);
        var missing = ImmutableArray.CreateBuilder<string>();
        if (membership?.Cluster is null)
            missing.Add($"{order.Node} has not joined a cluster yet");
        if (coordination is null)
            missing.Add("the coordinator does not answer, so devices and jobs that wait for some are not known");
        missing.AddRange(view.Members.Where(m => !nodes.ContainsKey(m.Name)).Select(m => $"{m.Name} does not answer"));
        asker.Tell(new ClusterStatus(
            membership?.Cluster ?? "", order.Node,
            [
                .. view.Members.Select(m => nodes.TryGetValue(m.Name, out var node)
                    ? new MemberStatus(m.Name, m.State, coordination?.Node == m.Name, [.. devices[m.Name]], node.Data, node.Refused)
                    : new MemberStatus(m.Name, m.State == "up" ? "silent" : m.State, coordination?.Node == m.Name, [.. devices[m.Name]], "", [])),
            ],
            [.. Jobs()], missing.ToImmutable()));
        Context.Stop(Self);
    }

    private IEnumerable<JobStatus> Jobs()
    {
        foreach (var job in coordination?.Conducted ?? [])
            yield return jobs.GetValueOrDefault(job.Job.Value) ?? Bare(job.Job, "unknown", "its conductor does not answer");
        foreach (var job in coordination?.Waiting ?? [])
            yield return Bare(job, "waiting", "no device is offered");
        var known = (coordination?.Conducted.Select(j => j.Job) ?? []).Concat(coordination?.Waiting ?? []).Select(j => j.Value).ToHashSet();
        foreach (var job in jobs.Values.Where(j => !known.Contains(j.Job)).OrderBy(j => j.Job, StringComparer.Ordinal))
            yield return job;
    }

    private static JobStatus Bare(JobId job, string state, string note) => new(job.Value, "", state, 0, 0, 0, TimeSpan.Zero, [], note);

    private sealed record TimedOut : INoSerializationVerificationNeeded
    {
        public static readonly TimedOut Instance = new();
    }

    private sealed record CurrentClusterStateView(ImmutableArray<(string Name, string State, Address Address)> Members)
    {
        public static CurrentClusterStateView Of(Akka.Cluster.Cluster cluster)
        {
            var state = cluster.State;
            return new CurrentClusterStateView([
                .. state.Members.Select(m => (
                        Node: ClusterAkka.Node(m.Address), State: state.Unreachable.Contains(m) ? "unreachable" : m.Status.ToString().ToLowerInvariant(), m.Address))
                    .OrderBy(m => m.Node).Select(m => (m.Node.ToString(), m.State, m.Address)),
            ]);
        }
    }
}
