using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Cluster.Joining;
using Singa.Actors.Runtime.Cluster.Watching;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>What makes Singa in an actor system a member of a cluster.</summary>
/// <param name="Key">This life of the node.</param>
internal sealed record ClusterMembership(ClusterSettings Settings, NodeAddress Self, NodeKey Key, JoinOrder Joining, Refusals Refusals, IDataPlane Plane)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(2);

    /// <summary>The coordinator of the cluster, wherever it lives at the moment.</summary>
    public IActorRef StartCoordinator(ActorSystem system, RuntimeSettings runtime, string dispatcher)
    {
        Func<PeerId, Task<bool>> isDead = async peer => (await Plane.ProbeAsync(peer).ConfigureAwait(false)).State == PeerState.Dead;
        var coordinator = Props.Create(() => new CoordinatorActor(runtime, Self.ToString(), Props.Create<HeraldActor>(), isDead)).WithDispatcher(dispatcher);
        system.ActorOf(ClusterSingletonManager.Props(coordinator, PoisonPill.Instance, ClusterSingletonManagerSettings.Create(system)), NodePaths.Coordinator);
        return system.ActorOf(ClusterSingletonProxy.Props($"/user/{NodePaths.Coordinator}", ClusterSingletonProxySettings.Create(system)), NodePaths.CoordinatorProxy);
    }

    /// <summary>After everything else is in place: whoever hears of this node may use it at once.</summary>
    public void Open(ActorSystem system, IActorRef coordinator, TimeProvider time, string dispatcher)
    {
        var (plane, stableAfter) = (Plane, Settings.Times.StableAfter);
        system.ActorOf(Props.Create(() => new WatchActor(plane, stableAfter, time)).WithDispatcher(dispatcher), NodePaths.Watching);
        var joining = system.ActorOf(Props.Create(() => new JoinActor(Joining)).WithDispatcher(dispatcher), NodePaths.Joining);
        var gate = new GateOrder(Self.ToString(), Plane, Refusals, StatusPatience);
        system.ActorOf(Props.Create(() => new GateActor(gate, coordinator, joining)).WithDispatcher(dispatcher), NodePaths.Gate);
    }
}
