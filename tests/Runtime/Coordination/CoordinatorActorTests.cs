using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Coordination;

/// <summary>The conversation of a job, with probes for the node and the host.</summary>
public sealed class CoordinatorActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");
    private static readonly DataDescription Data = new(
        new TensorType(DType.Float32, Shape.Of(2)), new TensorType(DType.Int32, Shape.Scalar), 3, 32, 0);

    private readonly TestProbe node;
    private readonly TestProbe host;
    private readonly IActorRef coordinator;

    public CoordinatorActorTests()
    {
        (node, host) = (CreateTestProbe("node"), CreateTestProbe("host"));
        var settings = SingaSettings.From(null).Runtime with { DeviceTimeout = TimeSpan.FromMilliseconds(300), ReleaseTimeout = TimeSpan.FromSeconds(20) };
        coordinator = Sys.ActorOf(Props.Create(() => new CoordinatorActor(settings, TimeProvider.System)));
    }

    [Fact]
    public void A_job_from_its_submission_to_its_end()
    {
        Offer("null:0", "null:1");
        Submit();

        node.ExpectMsg<WorkerProtocol.PrepareJob>(m => m.Job == Job);
        var conductor = node.LastSender;
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Data), node);

        var first = node.ExpectMsg<WorkerProtocol.StartWorker>();
        var second = node.ExpectMsg<WorkerProtocol.StartWorker>();
        Assert.Equal((0, 1), (first.Rank, second.Rank));
        Assert.Equal([2, 2], first.Membership.Members.Select(m => m.Shards.Count));
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, Generation.First, 0, 2));
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, Generation.First, 1, 2));

        Assert.Equal(["null:0", "null:1"], host.ExpectMsg<CoordinatorProtocol.JobAccepted>().Facts.Workers.Select(w => w.Worker));
        Assert.Equal(2, node.ExpectMsg<WorkerProtocol.BeginSteps>().Buckets);
        conductor.Tell(new WorkerProtocol.StepCompleted(Job, Generation.First, 0, 0, 32, 8, TimeSpan.FromMilliseconds(4)));
        conductor.Tell(new WorkerProtocol.StepCompleted(Job, Generation.First, 1, 0, 32, 8, TimeSpan.FromMilliseconds(4)));
        Assert.Equal(1.0, host.ExpectMsg<CoordinatorProtocol.StepCommitted>().Progress.Loss);

        conductor.Tell(new WorkerProtocol.WorkerFinished(Job, Generation.First, 0, 10, 11, new KeptReplica(new ReplicaId("r"), "sha256:d")));
        conductor.Tell(new WorkerProtocol.WorkerFinished(Job, Generation.First, 1, 10, 11, null));
        node.ExpectMsg<WorkerProtocol.ReleaseJob>();
        host.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        conductor.Tell(new WorkerProtocol.JobReleased(Job), node);

        var outcome = host.ExpectMsg<CoordinatorProtocol.JobCompleted>().Outcome;
        Assert.Equal((1L, "sha256:d", 20L, 22L), (outcome.Steps, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes));
    }

    [Fact]
    public void A_job_that_has_ended_before_needs_nobody()
    {
        var outcome = new JobOutcome(32, null, "sha256:d", new ReplicaId("r"), 1, 2, default);
        var conductor = Prepare();
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Data, new ResumePoint(new StartPoint(1, null), Generation.First, null, outcome, "there", [])), node);

        Assert.True(host.ExpectMsg<CoordinatorProtocol.JobAccepted>().Facts.HasEnded);
        Released(conductor);
        Assert.Same(outcome, host.ExpectMsg<CoordinatorProtocol.JobCompleted>().Outcome);
    }

    [Fact]
    public void A_job_that_goes_on_begins_a_later_generation_at_its_step()
    {
        var start = new StartPoint(1, new ReplicaId("r"));
        var conductor = Prepare(epochs: 2);
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Data, new ResumePoint(start, new Generation(3), null, null, "there", [])), node);

        var worker = node.ExpectMsg<WorkerProtocol.StartWorker>();
        Assert.Equal((start, new Generation(4), long.MaxValue), (worker.Start, worker.Membership.Generation, worker.Until));
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, new Generation(4), 0, 2));
        Assert.Equal(1, node.ExpectMsg<WorkerProtocol.BeginSteps>().FirstStep);
    }

    [Fact]
    public void A_job_comes_to_rest_and_goes_on_as_it_is_told()
    {
        var (conductor, worker) = (Prepare(epochs: 9), CreateTestProbe("worker"));
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Data), node);
        node.ExpectMsg<WorkerProtocol.StartWorker>();
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, Generation.First, 0, 2), worker);
        host.ExpectMsg<CoordinatorProtocol.JobAccepted>();

        coordinator.Tell(new CoordinatorProtocol.PauseJob(Job));
        int number = worker.ExpectMsg<WorkerProtocol.HoldSteps>().Number;
        conductor.Tell(new WorkerProtocol.StepsHeld(Job, Generation.First, 0, number, Next: 0), worker);
        Assert.Equal(0, worker.ExpectMsg<WorkerProtocol.RunSteps>().Until);
        Assert.Equal(0, host.ExpectMsg<CoordinatorProtocol.JobPaused>().Step);
        coordinator.Tell(new CoordinatorProtocol.ResumeJob(Job));
        Assert.Equal(long.MaxValue, worker.ExpectMsg<WorkerProtocol.RunSteps>().Until);
        host.ExpectMsg<CoordinatorProtocol.JobResumed>();

        coordinator.Tell(new CoordinatorProtocol.StopJob(Job));
        number = worker.ExpectMsg<WorkerProtocol.HoldSteps>().Number;
        conductor.Tell(new WorkerProtocol.StepsHeld(Job, Generation.First, 0, number, Next: 0), worker);
        node.ExpectMsg<WorkerProtocol.BeginSteps>();
        Released(conductor);
        Assert.Equal(new CoordinatorProtocol.JobStopped(Job, 0, Saved: false), host.ExpectMsg<CoordinatorProtocol.JobStopped>());
    }

    [Fact]
    public void A_job_that_comes_before_the_devices_waits_for_them()
    {
        Submit();
        node.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Offer("null:0");

        node.ExpectMsg<WorkerProtocol.PrepareJob>();
    }

    [Fact]
    public void A_job_that_waits_in_vain_is_refused()
    {
        Submit();

        Assert.StartsWith("no device was offered", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void A_job_whose_data_cannot_be_read_is_refused_with_the_reason()
    {
        var conductor = Prepare();
        conductor.Tell(new WorkerProtocol.PreparationFailed(Job, "train.idx is no IDX file"), node);
        Released(conductor);

        Assert.Equal("train.idx is no IDX file", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void A_cancelled_job_is_over_when_its_node_has_let_go()
    {
        var conductor = Prepare();
        coordinator.Tell(new CoordinatorProtocol.CancelJob(Job));
        Released(conductor);

        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
    }

    [Fact]
    public void A_job_cancelled_while_it_waits_for_devices_is_over_at_once()
    {
        Submit();
        coordinator.Tell(new CoordinatorProtocol.CancelJob(Job));

        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
    }

    [Fact]
    public void A_job_whose_node_leaves_ends_without_waiting_for_it()
    {
        Prepare();
        Sys.Stop(node);

        Assert.Contains("has left", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void Two_jobs_cannot_have_one_name()
    {
        Prepare();
        Submit();

        Assert.Contains("already", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void Withdrawn_devices_are_offered_no_more()
    {
        Offer("null:0", "null:1");
        coordinator.Tell(new CoordinatorProtocol.WithdrawDevice(new DeviceOffer("", "null:0"), "it broke"), node);
        coordinator.Tell(CoordinatorProtocol.GetDevices.Instance, host);

        Assert.Equal(["null:1"], host.ExpectMsg<CoordinatorProtocol.OfferedDevices>().Devices.Select(d => d.Device));
    }

    /// <summary>Unlike a failure of the job, this is one of ours: the host must not wait for ever.</summary>
    [Fact]
    public void A_conductor_that_breaks_is_reported()
    {
        var conductor = Prepare();
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Data), node);
        node.ExpectMsg<WorkerProtocol.StartWorker>();
        conductor.Tell(new WorkerProtocol.StepCompleted(Job, Generation.First, 0, 7, 1, 1, TimeSpan.Zero));

        node.ExpectMsg<WorkerProtocol.ReleaseJob>();
        Assert.Contains("conductor ended unexpectedly", host.ExpectMsg<CoordinatorProtocol.JobFailed>().Reason);
    }

    private IActorRef Prepare(int epochs = 1)
    {
        Offer("null:0");
        Submit(epochs);
        node.ExpectMsg<WorkerProtocol.PrepareJob>();
        return node.LastSender;
    }

    private void Released(IActorRef conductor)
    {
        node.ExpectMsg<WorkerProtocol.ReleaseJob>();
        conductor.Tell(new WorkerProtocol.JobReleased(Job), node);
    }

    private void Offer(params string[] devices)
    {
        coordinator.Tell(new CoordinatorProtocol.OfferDevices([.. devices.Select(d => new DeviceOffer("", d))], node));
        node.ExpectMsg<CoordinatorProtocol.DevicesAdmitted>();
    }

    private void Submit(int epochs = 1) => coordinator.Tell(
        new CoordinatorProtocol.SubmitJob(Job, TinyJob.Create() with { Epochs = epochs }, new TrainingOptions(), host), host);
}
