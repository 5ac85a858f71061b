using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

/// <summary>A node and those who want it for a job.</summary>
public sealed class NodeActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");
    private static readonly NodeKey Self = new("a", 1);
    private readonly JobLibrary library = new(null, null);
    private readonly IActorRef node;
    private readonly JobRef definition;

    public NodeActorTests()
    {
        definition = library.PutDirectly(TinyJob.Create());
        var (settings, transport) = (SingaSettings.From(null), new InProcessTransport());
        var order = new NodeOrder(
            Self, [], CollectiveActor.Props(transport, settings.Collective), transport, null, new ReplicaStore(), library, settings.Runtime,
            RegroupingTimes.Default, TimeProvider.System, "akka.actor.default-dispatcher");
        node = Sys.ActorOf(Props.Create(() => new NodeActor(order, TestActor)));
    }

    [Fact]
    public void A_job_prepared_for_a_conductor_that_is_gone_is_prepared_for_the_next()
    {
        foreach (var name in new[] { "first", "second", "third" })
        {
            var conductor = CreateTestProbe(name);
            Prepare(conductor, Roll.Founding(new NodeKey(name, 1)));
            conductor.ExpectMsg<WorkerProtocol.JobPrepared>(m => m.Job == Job);
            // Said twice it is done once.
            Prepare(conductor, Roll.Founding(new NodeKey(name, 1)));
            conductor.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        }
    }

    /// <summary>Whether the generation that it joined has begun, with or without a rank for it, nobody can go on from there: so the job begins anew, also here.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_seat_in_a_generation_of_which_nobody_is_left_gives_way_and_no_other_does(bool hasRank, bool isAskedBefore)
    {
        var (first, second) = (CreateTestProbe("first"), CreateTestProbe("second"));
        var gone = new NodeKey("first", 1);
        var roll = new Roll(Ballot.Of(7, gone), gone, hasRank ? [gone, Self] : [gone]) { StandBy = hasRank ? [] : [Self] };
        Prepare(first, Roll.Founding(gone, 6));
        first.ExpectMsg<WorkerProtocol.JobPrepared>();
        node.Tell(new WorkerProtocol.StartGeneration(
            Job, new Begin(roll, Roll.Founding(gone, 6), []), Membership.Form(roll.Generation, [new DeviceOffer("first", "cpu:0")], 1, 0),
            [new JobNode(gone, first, null, [])], first, StartPoint.Beginning, 1, null, [], PastSteps.None), first);
        first.ExpectMsg<WorkerProtocol.NodeReady>(m => m.Ballot == roll.Ballot);
        if (isAskedBefore)
        {
            Prepare(second, Roll.Founding(new NodeKey("second", 1)));
            second.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        }

        node.Tell(new NodeJobProtocol.NodeGone(Job, gone, "it was killed"));
        if (!isAskedBefore)
            Prepare(second, Roll.Founding(new NodeKey("second", 1)));
        second.ExpectMsg<WorkerProtocol.JobPrepared>(m => m.Job == Job);
    }

    private void Prepare(TestProbe conductor, Roll founding) =>
        node.Tell(new WorkerProtocol.PrepareJob(Job, definition, new TrainingOptions(), founding, CreateTestProbe()), conductor);
}
