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

namespace Singa.Actors.Runtime.Tests.Coordination;

/// <summary>What hosts and nodes hear of the coordinator, with probes for both.</summary>
public sealed class CoordinatorActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");

    private readonly HashSet<PeerId> dead = [];
    private readonly TestProbe node;
    private readonly TestProbe host;
    private readonly IActorRef coordinator;

    public CoordinatorActorTests()
    {
        (node, host) = (CreateTestProbe("node"), CreateTestProbe("host"));
        var settings = SingaSettings.From(null).Runtime with { DeviceTimeout = TimeSpan.FromMilliseconds(300) };
        coordinator = Sys.ActorOf(Props.Create(() => new CoordinatorActor(settings, "", null, peer => Task.FromResult(dead.Contains(peer)))));
    }

    [Fact]
    public void A_job_is_conducted_from_one_of_the_nodes_that_offer_devices()
    {
        var other = CreateTestProbe();
        Offer("b", node, "null:0", "null:1");
        Offer("a", other, "null:0");
        Submit();

        var conduct = other.ExpectMsg<CoordinatorProtocol.ConductJob>();
        Assert.Equal((Job, host.Ref), (conduct.Job, conduct.Observer));
        Assert.Equal(["a", "b"], conduct.Nodes.Select(n => n.Key.Name));
        coordinator.Tell(new CoordinatorProtocol.PauseJob(Job));
        other.ExpectMsg<CoordinatorProtocol.PauseJob>();
    }

    [Fact]
    public void Whoever_conducts_the_job_later_hears_what_is_asked_of_it()
    {
        Offer("a", node, "null:0");
        Submit();
        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
        var later = CreateTestProbe();
        coordinator.Tell(new CoordinatorProtocol.JobConducted(Job, host, new JobDemand(Job, 0, 1, 0), [new DeviceOffer("a", "null:0")]), later);
        later.ExpectMsg<CoordinatorProtocol.AllotDevices>();
        coordinator.Tell(new CoordinatorProtocol.StopJob(Job));
        later.ExpectMsg<CoordinatorProtocol.StopJob>();
    }

    [Fact]
    public void Whoever_conducts_the_job_later_hears_of_nodes_that_came_while_nobody_did()
    {
        Offer("a", node, "null:0");
        Submit();
        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
        var (later, newcomer) = (CreateTestProbe(), CreateTestProbe());
        Offer("b", newcomer, "null:0");
        coordinator.Tell(new CoordinatorProtocol.JobConducted(Job, host, new JobDemand(Job, 0, 1, 0), [new DeviceOffer("a", "null:0")]), later);
        Assert.Equal(["a", "b"], later.ExpectMsg<CoordinatorProtocol.AllotDevices>().Nodes.Select(n => n.Key.Name));
    }

    [Fact]
    public void A_job_whose_processes_are_all_dead_begins_anew_and_none_that_may_live()
    {
        PeerId a = new("127.0.0.1", 1, 1), b = new("127.0.0.1", 2, 1);
        var again = new CoordinatorProtocol.SubmitJob(Job, new JobRef("sha256:f", []), new TrainingOptions(), host, [a, b]);
        Offer("c", node, "null:0");
        dead.Add(a);
        coordinator.Tell(again, host);
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        dead.Add(b);
        coordinator.Tell(again, host);
        Assert.Equal(Job, node.ExpectMsg<CoordinatorProtocol.ConductJob>().Job);
        // It is known from now on, whoever asks.
        coordinator.Tell(again, host);
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        coordinator.Tell(new CoordinatorProtocol.JobLeft(Job));
        coordinator.Tell(again, host);
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void A_node_that_comes_later_is_offered_to_the_jobs_that_run()
    {
        Offer("a", node, "null:0");
        Submit();
        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
        Offer("b", CreateTestProbe(), "null:0");
        Assert.Equal(["a", "b"], node.ExpectMsg<CoordinatorProtocol.AllotDevices>().Nodes.Select(n => n.Key.Name));
    }

    [Fact]
    public void A_job_that_comes_before_the_devices_waits_for_them()
    {
        Submit();
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Offer("a", node, "null:0");

        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
    }

    [Fact]
    public void A_job_of_higher_priority_has_the_devices_to_itself_and_gives_them_back()
    {
        Offer("a", node, "null:0");
        Submit();
        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
        var urgent = new JobId("job-2");
        coordinator.Tell(new CoordinatorProtocol.SubmitJob(urgent, new JobRef("sha256:g", []), new TrainingOptions { Priority = 1 }, host));
        var rest = (CoordinatorProtocol.AllotDevices)node.FishForMessage(m => m is CoordinatorProtocol.AllotDevices);
        Assert.Equal((Job, true), (rest.Job, rest.Nodes.IsEmpty));
        Assert.Contains("higher priority", rest.Reason);
        coordinator.Tell(new CoordinatorProtocol.JobLeft(urgent));
        var back = (CoordinatorProtocol.AllotDevices)node.FishForMessage(m => m is CoordinatorProtocol.AllotDevices);
        Assert.Equal((Job, 1), (back.Job, back.Nodes.Length));
    }

    [Fact]
    public void A_job_that_wants_more_devices_than_there_are_waits_for_them()
    {
        Offer("a", node, "null:0");
        coordinator.Tell(new CoordinatorProtocol.SubmitJob(Job, new JobRef("sha256:f", []), new TrainingOptions { MinDevices = 2 }, host));
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(400));
        Offer("b", CreateTestProbe(), "null:0");
        Assert.Equal(2, node.ExpectMsg<CoordinatorProtocol.ConductJob>().Nodes.Length);
    }

    [Fact]
    public void A_job_that_waits_in_vain_is_refused()
    {
        Submit();

        Assert.StartsWith("no device was offered", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void A_job_cancelled_while_it_waits_for_devices_is_over_at_once()
    {
        Submit();
        coordinator.Tell(new CoordinatorProtocol.CancelJob(Job));

        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
    }

    [Fact]
    public void Two_jobs_cannot_have_one_name_and_one_submitted_twice_runs_once()
    {
        Offer("a", node, "null:0");
        Submit();
        node.ExpectMsg<CoordinatorProtocol.ConductJob>();
        Submit();
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        var other = CreateTestProbe();
        coordinator.Tell(new CoordinatorProtocol.SubmitJob(Job, new JobRef("sha256:f", []), new TrainingOptions(), other));

        Assert.Contains("already", other.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void Withdrawn_devices_are_offered_no_more()
    {
        Offer("a", node, "null:0", "null:1");
        coordinator.Tell(new CoordinatorProtocol.WithdrawDevice(new DeviceOffer("a", "null:0"), "it broke"), node);
        coordinator.Tell(CoordinatorProtocol.GetDevices.Instance, host);

        Assert.Equal(["null:1"], host.ExpectMsg<CoordinatorProtocol.OfferedDevices>().Devices.Select(d => d.Device));
    }

    private void Offer(string name, TestProbe probe, params string[] devices)
    {
        coordinator.Tell(new CoordinatorProtocol.OfferDevices(new JobNode(new NodeKey(name, 1), probe, null, [.. devices.Select(d => new DeviceOffer(name, d))])));
        probe.ExpectMsg<CoordinatorProtocol.DevicesAdmitted>();
    }

    private void Submit() => coordinator.Tell(new CoordinatorProtocol.SubmitJob(Job, new JobRef("sha256:f", []), new TrainingOptions(), host), host);
}
