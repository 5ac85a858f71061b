using Akka.Actor;
using Akka.Cluster;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>Says goodbye for this node, and when all have heard it: from then on nobody waits for it, and what lived here is taken over.</summary>
internal sealed class LeaveActor : ReceiveActor
{
    private readonly Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);

    public LeaveActor(TaskCompletionSource gone)
    {
        Receive<ClusterEvent.MemberExited>(exited => exited.Member.UniqueAddress == cluster.SelfUniqueAddress, _ => gone.TrySetResult());
        Receive<ClusterEvent.MemberRemoved>(removed => removed.Member.UniqueAddress == cluster.SelfUniqueAddress, _ => gone.TrySetResult());
        ReceiveAny(_ => { });
    }

    protected override void PreStart()
    {
        cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberExited), typeof(ClusterEvent.MemberRemoved));
        cluster.Leave(cluster.SelfAddress);
    }

    protected override void PostStop() => cluster.Unsubscribe(Self);
}
