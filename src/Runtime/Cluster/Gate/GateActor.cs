using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Coordination;
using static Singa.Actors.Runtime.Cluster.Gate.GateProtocol;

namespace Singa.Actors.Runtime.Cluster.Gate;

/// <summary>A node's door for those that are not, or not yet, members: commands and nodes that look for the cluster.</summary>
internal sealed class GateActor : ReceiveActor
{
    public GateActor(GateOrder order, IActorRef coordinator, IActorRef joining)
    {
        Receive<GetMembership>(joining.Forward);
        Receive<GetNodeStatus>(_ => Sender.Tell(new NodeStatus(order.Node, order.Data, Refused(order.Refusals))));
        Receive<GetClusterStatus>(_ => Context.ActorOf(StatusActor.Props(order, coordinator, joining, Sender)));
        Receive<CoordinatorProtocol.CancelJob>(coordinator.Forward);
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private static ImmutableArray<RefusedCount> Refused(Refusals refusals) =>
        [.. refusals.ByReason.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => new RefusedCount(r.Key, r.Value))];
}

/// <param name="Node">What it is called.</param>
/// <param name="Data">Where its data plane listens.</param>
internal sealed record GateOrder(string Node, string Data, Refusals Refusals, PeerCredentials? Trust, TimeSpan Patience);
