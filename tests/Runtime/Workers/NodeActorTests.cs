using Akka.TestKit.Xunit2;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

/// <summary>A node and those who want it for a job.</summary>
public sealed class NodeActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");

    [Fact]
    public void A_job_prepared_for_a_conductor_that_is_gone_is_prepared_for_the_next()
    {
        var (library, host) = (new JobLibrary(null, null), CreateTestProbe("host"));
        var definition = library.PutDirectly(TinyJob.Create());
        var (settings, transport) = (SingaSettings.From(null), new InProcessTransport());
        var order = new NodeOrder(
            new NodeKey("a", 1), [], CollectiveActor.Props(transport, settings.Collective), transport, null, new ReplicaStore(), library, settings.Runtime,
            RegroupingTimes.Default, TimeProvider.System, "akka.actor.default-dispatcher");
        var node = Sys.ActorOf(Akka.Actor.Props.Create(() => new NodeActor(order, TestActor)));

        foreach (var name in new[] { "first", "second", "third" })
        {
            var conductor = CreateTestProbe(name);
            var prepare = new WorkerProtocol.PrepareJob(Job, definition, new TrainingOptions(), Roll.Founding(new NodeKey(name, 1)), host);
            node.Tell(prepare, conductor);
            conductor.ExpectMsg<WorkerProtocol.JobPrepared>(m => m.Job == Job);
            // Said twice it is done once.
            node.Tell(prepare, conductor);
            conductor.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        }
    }
}
