using Akka.Actor;
using Akka.Cluster;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>The coordinator's child: tells the node of every member, of those that come later as well, that this is the coordinator now.</summary>
internal sealed class HeraldActor : ReceiveActor
{
    private readonly Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);

    public HeraldActor()
    {
        Receive<ClusterEvent.MemberUp>(up =>
            Context.ActorSelection(new RootActorPath(up.Member.Address) / "user" / NodePaths.Node).Tell(new CoordinatorProtocol.CoordinatorStarted(Context.Parent)));
    }

    protected override void PreStart() =>
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));

    protected override void PostStop() => cluster.Unsubscribe(Self);
}
