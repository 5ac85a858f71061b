using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class JobRunTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly JobId Job = new("j");
    private static readonly DataDescription Data = new(
        new TensorType(DType.Float32, Shape.Of(2)), new TensorType(DType.Int32, Shape.Scalar), 3, 100, 70);

    private DateTimeOffset now = Start;

    [Fact]
    public void It_begins_when_the_last_worker_is_ready()
    {
        var run = Create(2);

        Assert.Empty(Ready(run, 0));
        Assert.Equal([new JobDecision.Begin(3)], Ready(run, 1));
        Assert.True(run.HasBegun);
    }

    [Fact]
    public void A_step_is_committed_when_every_worker_has_run_it()
    {
        var run = Begun(2);

        Assert.Empty(Step(run, 0, 0, loss: 64, correct: 16));
        Assert.Empty(Step(run, 0, 1));
        var progress = Assert.IsType<JobDecision.Commit>(Assert.Single(Step(run, 1, 0, loss: 64, correct: 16))).Progress;

        Assert.Equal((0, 0L, 12L, 32), (progress.Epoch, progress.Step, progress.TotalSteps, progress.Samples));
        Assert.Equal((2.0, 0.5), (progress.Loss, progress.Accuracy));
    }

    [Fact]
    public void The_slowest_worker_says_how_long_a_step_took()
    {
        var run = Begun(2);
        Step(run, 0, 0, time: 5);

        var progress = Assert.IsType<JobDecision.Commit>(Assert.Single(Step(run, 1, 0, time: 8))).Progress;

        Assert.Equal(TimeSpan.FromMilliseconds(8), progress.StepTime);
        Assert.Equal(4000, progress.SamplesPerSecond);
    }

    [Theory]
    [InlineData(float.NaN, "not a number")]
    [InlineData(float.PositiveInfinity, "infinite")]
    public void A_loss_that_is_not_finite_ends_the_job_with_advice(float loss, string what)
    {
        var run = Begun(1);

        var fail = Assert.IsType<JobDecision.Fail>(Assert.Single(Step(run, 0, 0, loss)));

        Assert.Equal($"the loss is {what} at step 0, epoch 0; a learning rate below 0.1 would help", fail.Reason);
        Assert.True(run.HasEnded);
    }

    [Fact]
    public void Workers_that_disagree_end_the_job()
    {
        var run = Begun(2);
        Step(run, 0, 0, loss: 1);

        var fail = Assert.IsType<JobDecision.Fail>(Assert.Single(Step(run, 1, 0, loss: 1.0000001f)));

        Assert.Contains("computes wrongly", fail.Reason);
    }

    [Fact]
    public void Reports_of_another_generation_change_nothing()
    {
        var run = Begun(1);

        var ignored = run.On(new WorkerProtocol.StepCompleted(Job, Generation.First.Next, 0, 0, float.NaN, 0, default), now);

        Assert.IsType<JobDecision.Ignore>(Assert.Single(ignored));
        Assert.False(run.HasEnded);
    }

    [Fact]
    public void A_step_out_of_order_is_an_error_of_ours() => Assert.Throws<InvalidOperationException>(() => Step(Begun(1), 0, 1));

    [Fact]
    public void The_last_step_waits_for_its_test_and_the_job_for_its_workers()
    {
        var run = Begun(2);
        for (long step = 0; step < 12; step++)
        {
            Step(run, 0, step);
            Step(run, 1, step);
        }

        var batches = EvaluationSchedule.Of(Data.TestCount, 32);
        var (first, second) = (run.Membership.Members[0].EvaluationBatches, run.Membership.Members[1].EvaluationBatches);
        Assert.Equal(batches.Batches, first.Count + second.Count);
        Assert.Empty(Test(run, 1, second.First, second.Count));
        var decisions = Test(run, 0, 0, first.Count);
        var last = Assert.IsType<JobDecision.Commit>(decisions[0]).Progress;
        Assert.Equal([new JobDecision.Finish(12)], decisions[1..]);
        Assert.Equal(new TestFigures(3 * 7.0 / 70, 3 * 10.0 / 70), last.Test);

        Assert.Empty(Finish(run, 1, null));
        var outcome = Assert.IsType<JobDecision.Complete>(Assert.Single(Finish(run, 0, new KeptReplica(new ReplicaId("r"), "sha256:x")))).Outcome;
        Assert.Equal((12L, "sha256:x", 200L, 220L), (outcome.Steps, outcome.Digest, outcome.PeakBytes, outcome.PlannedBytes));
        Assert.Equal(last.Test, outcome.Test);
    }

    [Fact]
    public void A_worker_that_fails_before_the_beginning_is_a_refusal_and_after_it_a_failure()
    {
        Assert.IsType<JobDecision.Reject>(Assert.Single(Fail(Create(1))));
        Assert.Equal(
            new JobDecision.Fail("null:0 failed: it broke"), Assert.Single(Fail(Begun(1))));
    }

    [Fact]
    public void Whoever_is_silent_too_long_is_named()
    {
        var run = Begun(2);
        now += TimeSpan.FromMinutes(1);
        Step(run, 0, 0);

        Assert.Null(run.Overdue(Start));
        var fail = Assert.IsType<JobDecision.Fail>(run.Overdue(Start + TimeSpan.FromSeconds(30)));

        Assert.StartsWith("null:1 did not finish step 0 in time", fail.Reason);
    }

    [Fact]
    public void Only_those_who_are_not_ready_are_waited_for_at_the_beginning()
    {
        var run = Create(2);
        Ready(run, 0);

        var reject = Assert.IsType<JobDecision.Reject>(run.Overdue(Start + TimeSpan.FromSeconds(1)));

        Assert.StartsWith("null:1 did not get ready", reject.Reason);
    }

    private JobRun Create(int workers) => new(
        TinyJob.Create(), new TrainingOptions(), Data,
        Membership.Form(Generation.First, [.. Enumerable.Range(0, workers).Select(i => new DeviceOffer("", $"null:{i}"))], 4, 3), Start);

    private JobRun Begun(int workers)
    {
        var run = Create(workers);
        for (int rank = 0; rank < workers; rank++)
            Ready(run, rank);
        return run;
    }

    private JobDecision[] Ready(JobRun run, int rank) => [.. run.On(new WorkerProtocol.WorkerReady(Job, Generation.First, rank, 3), now)];

    private JobDecision[] Step(JobRun run, int rank, long step, float loss = 1, float correct = 0, int time = 1) =>
        [.. run.On(new WorkerProtocol.StepCompleted(Job, Generation.First, rank, step, loss, correct, TimeSpan.FromMilliseconds(time)), now)];

    private JobDecision[] Test(JobRun run, int rank, int first, int count) =>
        [.. run.On(new WorkerProtocol.EvaluationCompleted(
            Job, Generation.First, rank, 11, first, [.. Enumerable.Repeat(new BatchSums(7, 10), count)]), now)];

    private JobDecision[] Finish(JobRun run, int rank, KeptReplica? kept) =>
        [.. run.On(new WorkerProtocol.WorkerFinished(Job, Generation.First, rank, 100, 110, kept), now)];

    private static JobDecision[] Fail(JobRun run) => [.. run.On(new WorkerProtocol.WorkerFailed(Job, Generation.First, 0, "it broke"))];
}
