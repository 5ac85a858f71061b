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
        Receive<GetNodeStatus>(_ => Sender.Tell(new NodeStatus(order.Node, order.Plane.Local.ToString(), Refused(order))));
        Receive<GetClusterStatus>(_ => Context.ActorOf(StatusActor.Props(order, coordinator, joining, Sender)));
        Receive<CoordinatorProtocol.SubmitJob>(coordinator.Forward);
        Receive<CoordinatorProtocol.CancelJob>(coordinator.Forward);
        Receive<CoordinatorProtocol.StopJob>(coordinator.Forward);
        Receive<CoordinatorProtocol.PauseJob>(coordinator.Forward);
        Receive<CoordinatorProtocol.ResumeJob>(coordinator.Forward);
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    /// <summary>On both ports.</summary>
    private static ImmutableArray<RefusedCount> Refused(GateOrder order) =>
    [
        .. order.Refusals.ByReason.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => new RefusedCount(r.Key, r.Value)),
        .. order.Plane.Refused.Select(r => new RefusedCount($"data {r.Key}", r.Value)),
    ];
}

/// <param name="Node">What it is called.</param>
/// <param name="Patience">How long an answer waits for nodes that do not say anything.</param>
internal sealed record GateOrder(string Node, IDataPlane Plane, Refusals Refusals, TimeSpan Patience);
