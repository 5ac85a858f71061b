using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Cluster.Joining;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>What makes Singa in an actor system a member of a cluster.</summary>
/// <param name="Data">Where its data plane listens.</param>
internal sealed record ClusterMembership(ClusterSettings Settings, NodeAddress Self, JoinOrder Joining, Refusals Refusals, string Data)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(2);

    /// <summary>The coordinator of the cluster, wherever it lives at the moment.</summary>
    public IActorRef StartCoordinator(ActorSystem system, RuntimeSettings runtime, TimeProvider time, string dispatcher)
    {
        var coordinator = Props.Create(() => new CoordinatorActor(runtime, time, Self.ToString(), Props.Create<HeraldActor>())).WithDispatcher(dispatcher);
        system.ActorOf(ClusterSingletonManager.Props(coordinator, PoisonPill.Instance, ClusterSingletonManagerSettings.Create(system)), NodePaths.Coordinator);
        return system.ActorOf(ClusterSingletonProxy.Props($"/user/{NodePaths.Coordinator}", ClusterSingletonProxySettings.Create(system)), NodePaths.CoordinatorProxy);
    }

    /// <summary>After everything else is in place: whoever hears of this node may use it at once.</summary>
    public void Open(ActorSystem system, IActorRef coordinator, string dispatcher)
    {
        var joining = system.ActorOf(Props.Create(() => new JoinActor(Joining)).WithDispatcher(dispatcher), NodePaths.Joining);
        var gate = new GateOrder(Self.ToString(), Data, Refusals, Settings.Trust, StatusPatience);
        system.ActorOf(Props.Create(() => new GateActor(gate, coordinator, joining)).WithDispatcher(dispatcher), NodePaths.Gate);
    }
}
