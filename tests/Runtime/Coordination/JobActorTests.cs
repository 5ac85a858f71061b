using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Coordination;

/// <summary>The conversation of a job's conductor, with probes for its node (seat and workers as well) and the host.</summary>
public sealed class JobActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");
    private static readonly NodeKey Key = new("a", 1);
    private static readonly PeerId Peer = new("a", 1, 1);
    private static readonly DataDescription Data = new(
        new TensorType(DType.Float32, Shape.Of(2)), new TensorType(DType.Int32, Shape.Scalar), 3, 32, 0);

    private readonly TestProbe node;
    private readonly TestProbe host;

    public JobActorTests() => (node, host) = (CreateTestProbe("node"), CreateTestProbe("host"));

    [Fact]
    public void A_job_from_its_submission_to_its_end()
    {
        var conductor = Prepared(devices: 2);

        var start = Formed(conductor, 1);
        Assert.Equal([2, 2], start.Membership.Members.Select(m => m.Shards.Count));
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, Generation.First, 0, 2));
        conductor.Tell(new NodeJobProtocol.GenerationRuns(Job, start.Begin.Roll));
        host.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        conductor.Tell(new WorkerProtocol.WorkerReady(Job, Generation.First, 1, 2));

        Assert.Equal(["a/null:0", "a/null:1"], host.ExpectMsg<CoordinatorProtocol.JobAccepted>().Facts.Workers.Select(w => w.Worker));
        Assert.Equal(2, Expect<WorkerProtocol.BeginSteps>().Buckets);
        conductor.Tell(new WorkerProtocol.StepCompleted(Job, Generation.First, 0, 0, 32, 8, TimeSpan.FromMilliseconds(4)));
        conductor.Tell(new WorkerProtocol.StepCompleted(Job, Generation.First, 1, 0, 32, 8, TimeSpan.FromMilliseconds(4)));
        Assert.Equal(1.0, host.ExpectMsg<CoordinatorProtocol.StepCommitted>().Progress.Loss);

        conductor.Tell(new WorkerProtocol.WorkerFinished(Job, Generation.First, 0, 10, 11, new KeptReplica(new ReplicaId("r"), "sha256:d")));
        conductor.Tell(new WorkerProtocol.WorkerFinished(Job, Generation.First, 1, 10, 11, null));
        Expect<WorkerProtocol.ReleaseJob>();
        host.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        conductor.Tell(new WorkerProtocol.JobReleased(Job, Key));

        var outcome = host.ExpectMsg<CoordinatorProtocol.JobCompleted>().Outcome;
        Assert.Equal((1L, "sha256:d", 20L, 22L), (outcome.Steps, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes));
    }

    [Fact]
    public void How_it_ended_is_told_until_it_is_heard_and_forgotten_by_the_nodes_then()
    {
        var conductor = Prepared();
        Begin(conductor, Formed(conductor, 1));
        host.ExpectMsg<CoordinatorProtocol.JobAccepted>();
        conductor.Tell(new CoordinatorProtocol.CancelJob(Job));
        var ordered = Expect<WorkerProtocol.ReleaseJob>();
        Assert.Equal(new CoordinatorProtocol.JobCancelled(Job), ordered.Ending!.Cancelled);
        conductor.Tell(new WorkerProtocol.JobReleased(Job, Key));

        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
        conductor.Tell(new CoordinatorProtocol.EndingHeard(Job), host);
        Expect<WorkerProtocol.ForgetJob>();
    }

    [Fact]
    public void A_job_that_has_ended_before_needs_nobody()
    {
        var outcome = new JobOutcome(32, null, "sha256:d", new ReplicaId("r"), 1, 2, default);
        var conductor = Prepare();
        conductor.Tell(new WorkerProtocol.JobPrepared(
            Job, Key, Data, null, new ResumePoint(new StartPoint(1, null), Generation.First, null, outcome, "there", [])));

        Assert.True(host.ExpectMsg<CoordinatorProtocol.JobAccepted>().Facts.HasEnded);
        Released(conductor);
        Assert.Same(outcome, host.ExpectMsg<CoordinatorProtocol.JobCompleted>().Outcome);
    }

    [Fact]
    public void A_job_that_goes_on_begins_a_later_generation_at_its_step()
    {
        var start = new StartPoint(1, new ReplicaId("r"));
        var conductor = Prepare(epochs: 2);
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Key, Data, null, new ResumePoint(start, new Generation(3), null, null, "there", [])));
        Expect<NodeJobProtocol.RegroupJob>();

        var generation = Formed(conductor, 4, start);
        Assert.Equal((start, new Generation(4), long.MaxValue), (generation.Start, generation.Membership.Generation, generation.Until));
        Begin(conductor, generation);
        Assert.Equal(1, Expect<WorkerProtocol.BeginSteps>().FirstStep);
    }

    [Fact]
    public void A_job_comes_to_rest_and_goes_on_as_it_is_told()
    {
        var (conductor, worker) = (Prepared(epochs: 9), CreateTestProbe("worker"));
        Begin(conductor, Formed(conductor, 1), worker);
        host.ExpectMsg<CoordinatorProtocol.JobAccepted>();

        conductor.Tell(new CoordinatorProtocol.PauseJob(Job));
        int number = worker.ExpectMsg<WorkerProtocol.HoldSteps>().Number;
        conductor.Tell(new WorkerProtocol.StepsHeld(Job, Generation.First, 0, number, Next: 0), worker);
        Assert.Equal(0, worker.ExpectMsg<WorkerProtocol.RunSteps>().Until);
        Assert.Equal(0, host.ExpectMsg<CoordinatorProtocol.JobPaused>().Step);
        conductor.Tell(new CoordinatorProtocol.ResumeJob(Job));
        Assert.Equal(long.MaxValue, worker.ExpectMsg<WorkerProtocol.RunSteps>().Until);
        host.ExpectMsg<CoordinatorProtocol.JobResumed>();

        conductor.Tell(new CoordinatorProtocol.StopJob(Job));
        number = worker.ExpectMsg<WorkerProtocol.HoldSteps>().Number;
        conductor.Tell(new WorkerProtocol.StepsHeld(Job, Generation.First, 0, number, Next: 0), worker);
        Released(conductor);
        Assert.Equal(new CoordinatorProtocol.JobStopped(Job, 0, Saved: false), host.ExpectMsg<CoordinatorProtocol.JobStopped>());
    }

    [Fact]
    public void A_worker_that_fails_is_left_out_of_the_next_generation()
    {
        var conductor = Prepared(devices: 2, epochs: 9);
        Begin(conductor, Formed(conductor, 1));
        host.ExpectMsg<CoordinatorProtocol.JobAccepted>();
        conductor.Tell(new WorkerProtocol.WorkerFailed(Job, Generation.First, 1, "it broke"));
        Assert.Contains("it broke", Expect<NodeJobProtocol.RegroupJob>().Reason);

        var next = Formed(conductor, 2, new StartPoint(3, new ReplicaId("r")), lost: "null:1");

        Assert.Equal(["a/null:0"], next.Membership.Members.Select(m => m.Worker));
        Assert.Equal((3L, new Generation(2)), (next.Start.Step, next.Membership.Generation));
        for (long step = 0; step < 3; step++)
            Assert.Equal(step, host.ExpectMsg<CoordinatorProtocol.StepCommitted>().Progress.Step);
        Begin(conductor, next);
        Assert.Equal(new Generation(2), host.ExpectMsg<CoordinatorProtocol.JobRegrouped>().Generation);
        Assert.Equal(3, Expect<WorkerProtocol.BeginSteps>().FirstStep);
    }

    [Fact]
    public void A_node_that_comes_joins_at_a_step_boundary()
    {
        var (conductor, worker, newcomer) = (Prepared(epochs: 9), CreateTestProbe("worker"), CreateTestProbe("newcomer"));
        Begin(conductor, Formed(conductor, 1), worker);
        host.ExpectMsg<CoordinatorProtocol.JobAccepted>();
        var key = new NodeKey("b", 2);
        conductor.Tell(new CoordinatorProtocol.AllotDevices(
            Job, [new JobNode(Key, node, null, [new DeviceOffer("a", "null:0")]), new JobNode(key, newcomer, null, [new DeviceOffer("b", "null:0")])], [], null));
        newcomer.ExpectMsg<WorkerProtocol.PrepareJob>();
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, key, Data, null));
        Assert.Equal(["a/null:0", "b/null:0"], newcomer.ExpectMsg<WorkerProtocol.ExpectGeneration>().Membership.Members.Select(m => m.Worker));

        Assert.Equal([key], AtBoundary(conductor, worker));
    }

    [Fact]
    public void A_node_that_was_slow_to_answer_when_the_job_began_joins_at_a_step_boundary()
    {
        var (slow, worker) = (CreateTestProbe("slow"), CreateTestProbe("worker"));
        var key = new NodeKey("b", 2);
        var conductor = Prepare(epochs: 9, others: new JobNode(key, slow, null, [new DeviceOffer("b", "null:0") { Peer = new PeerId("b", 1, 2) }]));
        foreach (var prepared in new[] { Key, key })
            conductor.Tell(new WorkerProtocol.JobPrepared(Job, prepared, Data, null));
        Assert.Equal([Key, key], Expect<NodeJobProtocol.RegroupJob>().Newcomers.ToArray());
        Begin(conductor, Formed(conductor, 1), worker);

        // Without those who train it nobody can go on, whoever was to join.
        Assert.Equal([Peer], host.ExpectMsg<CoordinatorProtocol.JobAccepted>().Processes.AsEnumerable());
        Assert.Equal([key], AtBoundary(conductor, worker));
    }

    [Fact]
    public void Devices_that_are_allotted_while_nodes_read_their_data_are_not_forgotten()
    {
        var late = CreateTestProbe("late");
        var conductor = Prepare();
        conductor.Tell(new CoordinatorProtocol.AllotDevices(
            Job, [new JobNode(Key, node, null, [new DeviceOffer("a", "null:0")]), new JobNode(new NodeKey("b", 2), late, null, [new DeviceOffer("b", "null:0")])], [], null));
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Key, Data, null));
        Expect<NodeJobProtocol.RegroupJob>();

        late.ExpectMsg<WorkerProtocol.PrepareJob>();
    }

    [Fact]
    public void A_job_whose_data_cannot_be_read_is_refused_with_the_reason()
    {
        var conductor = Prepare();
        conductor.Tell(new WorkerProtocol.PreparationFailed(Job, Key, "train.idx is no IDX file"));
        Released(conductor);

        Assert.Equal("train.idx is no IDX file", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    [Fact]
    public void A_cancelled_job_is_over_when_its_node_has_let_go()
    {
        var conductor = Prepare();
        conductor.Tell(new CoordinatorProtocol.CancelJob(Job));
        Released(conductor);

        host.ExpectMsg<CoordinatorProtocol.JobCancelled>();
    }

    [Fact]
    public void A_job_whose_node_is_gone_ends_without_waiting_for_it()
    {
        var conductor = Prepare();
        conductor.Tell(new NodeJobProtocol.NodeGone(Job, Key, "a is dead"));

        Assert.Contains("a is dead", host.ExpectMsg<CoordinatorProtocol.JobRejected>().Reason);
    }

    /// <summary>Whom the seat is asked to take in once the only worker has come to a step boundary.</summary>
    private NodeKey[] AtBoundary(IActorRef conductor, TestProbe worker)
    {
        int number = ((WorkerProtocol.HoldSteps)worker.FishForMessage(m => m is WorkerProtocol.HoldSteps)).Number;
        conductor.Tell(new WorkerProtocol.StepsHeld(Job, Generation.First, 0, number, Next: 0), worker);
        return [.. Expect<NodeJobProtocol.RegroupJob>().Newcomers];
    }

    private IActorRef Prepare(int devices = 1, int epochs = 1, params JobNode[] others)
    {
        var settings = SingaSettings.From(null).Runtime with { ReleaseTimeout = TimeSpan.FromSeconds(20) };
        var self = new JobNode(Key, node, null, [.. Enumerable.Range(0, devices).Select(i => new DeviceOffer("a", $"null:{i}") { Peer = Peer })]);
        var library = new JobLibrary(null, null);
        var order = new CoordinatorProtocol.ConductJob(Job, library.PutDirectly(TinyJob.Create() with { Epochs = epochs }), new TrainingOptions(), host, [self, .. others]);
        var conductor = node.ChildActorOf(Props.Create(() => new JobActor(order, Key, library, settings, TimeProvider.System, null)));
        node.ExpectMsg<WorkerProtocol.PrepareJob>(m => m.Job == Job);
        return conductor;
    }

    private IActorRef Prepared(int devices = 1, int epochs = 1)
    {
        var conductor = Prepare(devices, epochs);
        conductor.Tell(new WorkerProtocol.JobPrepared(Job, Key, Data, null));
        Assert.Equal([Key], Expect<NodeJobProtocol.RegroupJob>().Newcomers.ToArray());
        return conductor;
    }

    private WorkerProtocol.StartGeneration Formed(IActorRef conductor, long number, StartPoint? start = null, string? lost = null)
    {
        start ??= StartPoint.Beginning;
        ImmutableArray<WorkerProtocol.StepCompleted> records =
            [.. Enumerable.Range(0, lost is null ? 0 : (int)start.Step).Select(i => new WorkerProtocol.StepCompleted(Job, Generation.First, 0, i, 32, 8, TimeSpan.Zero))];
        var state = new SeatState(start, new PastSteps(records, [], []), lost is null ? [] : [new LostDevice(lost, "it broke")]);
        var formation = new Formation(
            Ballot.Of(number, Key), Roll.Founding(Key), [], [Key], start.Step, [Key], ImmutableDictionary<NodeKey, NodeKey>.Empty);
        conductor.Tell(new NodeJobProtocol.GenerationFormed(Job, formation, ImmutableDictionary<NodeKey, SeatState>.Empty.Add(Key, state)));
        return Expect<WorkerProtocol.StartGeneration>();
    }

    private void Begin(IActorRef conductor, WorkerProtocol.StartGeneration start, TestProbe? worker = null)
    {
        foreach (var member in start.Membership.Members)
            conductor.Tell(new WorkerProtocol.WorkerReady(Job, start.Membership.Generation, member.Rank, 2), worker ?? node);
        conductor.Tell(new NodeJobProtocol.GenerationRuns(Job, start.Begin.Roll));
    }

    private T Expect<T>() => (T)node.FishForMessage(m => m is T);

    private void Released(IActorRef conductor)
    {
        Expect<WorkerProtocol.ReleaseJob>();
        conductor.Tell(new WorkerProtocol.JobReleased(Job, Key));
    }
}
