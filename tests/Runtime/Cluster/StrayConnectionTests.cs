using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;
using Akka.TestKit.Xunit2;
using Google.Protobuf;
using Singa.Actors.Runtime.Cluster.Wire;

namespace Singa.Actors.Runtime.Tests.Cluster;

public sealed class StrayConnectionTests : TestKit
{
    /// <summary>The transport's message is made as it makes it; another version may have another.</summary>
    [Fact]
    public void A_connection_that_arrives_where_nobody_is_left_is_closed()
    {
        var message = Activator.CreateInstance(typeof(AssociationHandle).Assembly.GetType("Akka.Remote.Transport.HandleMsg", throwOnError: true)!, new Connection(TestActor))!;
        var gone = Sys.ActorOf(Props.Empty);
        Watch(gone);
        Sys.Stop(gone);
        ExpectTerminated(gone);
        Sys.ActorOf(Props.Create<StrayConnectionActor>()).Tell(new DeadLetter("anything else", TestActor, TestActor));
        AwaitAssert(() =>
        {
            gone.Tell(message);
            ExpectMsg("closed", TimeSpan.FromMilliseconds(50));
        });
    }

    private sealed class Connection(IActorRef owner) : AssociationHandle(Address.AllSystems, Address.AllSystems)
    {
        public override bool Write(ByteString payload) => false;

#pragma warning disable CS0672 // It is what the transport's own handles implement.
        public override void Disassociate() => owner.Tell("closed");
#pragma warning restore CS0672
    }
}
