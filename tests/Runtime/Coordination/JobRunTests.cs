using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
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
    public void A_job_that_is_saved_ends_when_its_end_is()
    {
        var run = Finished(Saved);
        var save = Assert.IsType<JobDecision.Save>(Assert.Single(Finish(run, 0, new KeptReplica(new ReplicaId("r"), "sha256:x"))));
        Assert.Equal((12L, "sha256:x"), (save.Step, save.Outcome!.Digest));
        Assert.Equal([new JobDecision.Complete(save.Outcome with { SaveFailure = "the disk is full" })], ReplicaSaved(run, 12, "the disk is full"));
    }

    [Fact]
    public void A_save_that_takes_for_ever_does_not_keep_the_job()
    {
        var run = Finished(Saved);
        Finish(run, 0, new KeptReplica(new ReplicaId("r"), "sha256:x"));
        now += TimeSpan.FromMinutes(1);
        Assert.Null(run.Overdue(Start));
        var complete = Assert.IsType<JobDecision.Complete>(run.Overdue(now));
        Assert.StartsWith("null:0 did not write it in time", complete.Outcome.SaveFailure);
    }

    [Fact]
    public void A_job_that_is_stopped_is_saved_first()
    {
        var run = Begun(1, Saved);
        Assert.Equal([new JobDecision.Hold(1)], run.Rest(end: true));
        Assert.Equal([new JobDecision.Run(2)], Held(run, 0, next: 2));
        Step(run, 0, 0);
        Assert.Equal(new JobDecision.Save(2, null), Step(run, 0, 1)[^1]);
        Assert.Equal([new JobDecision.Stop(2)], ReplicaSaved(run, 2, null));
        Assert.True(run.HasEnded);
    }

    [Fact]
    public void A_job_that_is_not_saved_stops_at_once()
    {
        var run = Begun(1);
        run.Rest(end: true);
        Assert.Equal([new JobDecision.Run(0), new JobDecision.Stop(0)], Held(run, 0, next: 0));
    }

    [Fact]
    public void A_stop_that_cannot_be_saved_is_a_failure()
    {
        var run = Begun(1, Saved);
        run.Rest(end: true);
        Held(run, 0, next: 0);
        Assert.Equal([new JobDecision.Fail("it was stopped before step 0 and could not be saved: no")], ReplicaSaved(run, 0, "no"));
    }

    [Fact]
    public void Nobody_is_waited_for_while_the_job_rests()
    {
        var run = Begun(1);
        run.Rest(end: false).ToArray();
        Held(run, 0, next: 0);
        now += TimeSpan.FromHours(1);
        Assert.Null(run.Overdue(now));
        Assert.Equal([new JobDecision.Run(12), new JobDecision.Resumed()], run.Resume(now));
        Assert.Null(run.Overdue(now));
    }

    [Fact]
    public void A_checkpoint_that_failed_is_told_with_the_next_step()
    {
        var run = Begun(1, Saved);
        Assert.Empty(run.On(new WorkerProtocol.SaveFailed(Job, Generation.First, 0, 5, "the disk is full")));
        Assert.Equal(
            ["the checkpoint of step 5 could not be written: the disk is full"], Assert.IsType<JobDecision.Commit>(Step(run, 0, 0)[0]).Progress.Warnings.ToArray());
        Assert.Empty(Assert.IsType<JobDecision.Commit>(Step(run, 0, 1)[0]).Progress.Warnings);
    }

    [Fact]
    public void A_job_that_goes_on_begins_with_its_step()
    {
        var resume = new ResumePoint(new StartPoint(5, new ReplicaId("r")), Generation.First, null, null, "there", ["look"]);
        var run = new JobRun(TinyJob.Create(), Saved, Data, Form(1), Start, resume);
        Ready(run, 0);
        Assert.Equal((5L, "there"), (run.Facts.FirstStep, run.Facts.ResumedFrom));
        Assert.Equal(["look"], run.Facts.Warnings.ToArray());
        Assert.Throws<InvalidOperationException>(() => Step(run, 0, 0));
        Assert.Equal(5, Assert.IsType<JobDecision.Commit>(Assert.Single(Step(run, 0, 5))).Progress.Step);
    }

    [Fact]
    public void The_test_of_an_early_stop_is_judged_before_anybody_goes_on()
    {
        var stopping = new EarlyStopping { Patience = 1 };
        var run = new JobRun(TinyJob.Create() with { EvaluateEvery = 1, EarlyStopping = stopping }, new TrainingOptions(), Data, Form(1), Start);
        Ready(run, 0);
        Assert.Empty(Step(run, 0, 0));
        var figures = new TestFigures(3 * 7.0 / 70, 3 * 10.0 / 70);
        var best = new StoppingState(figures, 1, 0);
        Assert.Equal([new JobDecision.Judge(best, IsBest: true), new JobDecision.Run(2, new TestRecord(0, figures, best))], Test(run, 0, 0, 3, step: 0)[1..]);
        Step(run, 0, 1);
        Assert.Equal([new JobDecision.Judge(best with { Waited = 1 }, IsBest: false), new JobDecision.Finish(2)], Test(run, 0, 0, 3, step: 1)[1..]);
        var outcome = Assert.IsType<JobDecision.Complete>(Assert.Single(Finish(run, 0, new KeptReplica(new ReplicaId("r"), "sha256:x")))).Outcome;
        Assert.Equal((2L, 1L, true, figures), (outcome.Steps, outcome.TrainedSteps, outcome.StoppedEarly, outcome.Test));
    }

    [Fact]
    public void A_worker_that_fails_before_the_beginning_is_a_refusal_and_after_it_the_end_of_its_generation()
    {
        Assert.IsType<JobDecision.Reject>(Assert.Single(Fail(Create(1))));
        Assert.Equal(
            new JobDecision.Regroup("null:0 failed: it broke"), Assert.Single(Fail(Begun(1))));
    }

    [Fact]
    public void Whoever_is_silent_too_long_is_named()
    {
        var run = Begun(2);
        now += TimeSpan.FromMinutes(1);
        Step(run, 0, 0);

        Assert.Null(run.Overdue(Start));
        var regroup = Assert.IsType<JobDecision.Regroup>(run.Overdue(Start + TimeSpan.FromSeconds(30)));

        Assert.StartsWith("null:1 did not finish step 0 in time", regroup.Reason);
    }

    [Fact]
    public void Only_those_who_are_not_ready_are_waited_for_at_the_beginning()
    {
        var run = Create(2);
        Ready(run, 0);

        var reject = Assert.IsType<JobDecision.Reject>(run.Overdue(Start + TimeSpan.FromSeconds(1)));

        Assert.StartsWith("null:1 did not get ready", reject.Reason);
    }

    private static TrainingOptions Saved => new() { Checkpoint = new CheckpointOptions("somewhere") };

    private JobRun Create(int workers, TrainingOptions? options = null) => new(TinyJob.Create(), options ?? new TrainingOptions(), Data, Form(workers), Start);

    private static Membership Form(int workers) =>
        Membership.Form(Generation.First, [.. Enumerable.Range(0, workers).Select(i => new DeviceOffer("", $"null:{i}"))], 4, 3);

    /// <summary>Its host has kept every step, and whoever conducted it is gone: what the last test showed is known from the nodes.</summary>
    [Fact]
    public void Whoever_takes_over_at_the_end_knows_the_last_test()
    {
        var figures = new TestFigures(0.25, 0.75);
        var run = new JobRun(TinyJob.Create(), new TrainingOptions(), Data, Form(1), Start, committed: 12);
        var (told, start) = run.Close(new SeatState(new StartPoint(12, null), new PastSteps([], [new TestRecord(11, figures, null)], []), []), now);
        Assert.Empty(told);
        run = run.Next(Form(1), start, now);

        Assert.Contains(new JobDecision.Finish(12), Ready(run, 0));
        Assert.Equal(figures, Assert.IsType<JobDecision.Complete>(Assert.Single(Finish(run, 0, new KeptReplica(new ReplicaId("r"), "sha256:x")))).Outcome.Test);
    }

    /// <summary>Workers may not have heard of the last judgement when their generation ends; the conductor that made it keeps it.</summary>
    [Fact]
    public void An_older_test_takes_back_no_judgement()
    {
        var run = new JobRun(TinyJob.Create() with { EvaluateEvery = 1, EarlyStopping = new EarlyStopping { Patience = 3 } }, new TrainingOptions(), Data, Form(1), Start);
        Ready(run, 0);
        for (long step = 0; step < 2; step++)
        {
            Step(run, 0, step);
            Test(run, 0, 0, 3, step);
        }

        var judged = run.Stopping!;
        Assert.Equal(1, judged.Waited);
        run.Close(new SeatState(new StartPoint(2, null), new PastSteps([], [new TestRecord(0, judged.Best!, judged with { Waited = 0 })], []), []), now);
        Assert.Equal(judged, run.Stopping);
    }

    /// <summary>All steps and the last test done, nobody finished.</summary>
    private JobRun Finished(TrainingOptions options)
    {
        var run = Begun(1, options);
        for (long step = 0; step < 12; step++)
            Step(run, 0, step);
        Assert.Equal(new JobDecision.Finish(12), Test(run, 0, 0, 3)[^1]);
        return run;
    }

    private JobDecision[] Held(JobRun run, int rank, long next) => [.. run.On(new WorkerProtocol.StepsHeld(Job, Generation.First, rank, 1, next), now)];

    private JobDecision[] ReplicaSaved(JobRun run, long step, string? failure) =>
        [.. run.On(new WorkerProtocol.ReplicaSaved(Job, Generation.First, 0, step, failure), now)];

    private JobRun Begun(int workers, TrainingOptions? options = null)
    {
        var run = Create(workers, options);
        for (int rank = 0; rank < workers; rank++)
            Ready(run, rank);
        return run;
    }

    private JobDecision[] Ready(JobRun run, int rank) => [.. run.On(new WorkerProtocol.WorkerReady(Job, Generation.First, rank, 3), now)];

    private JobDecision[] Step(JobRun run, int rank, long step, float loss = 1, float correct = 0, int time = 1) =>
        [.. run.On(new WorkerProtocol.StepCompleted(Job, Generation.First, rank, step, loss, correct, TimeSpan.FromMilliseconds(time)), now)];

    private JobDecision[] Test(JobRun run, int rank, int first, int count, long step = 11) =>
        [.. run.On(new WorkerProtocol.EvaluationCompleted(
            Job, Generation.First, rank, step, first, [.. Enumerable.Repeat(new BatchSums(7, 10), count)]), now)];

    private JobDecision[] Finish(JobRun run, int rank, KeptReplica? kept) =>
        [.. run.On(new WorkerProtocol.WorkerFinished(Job, Generation.First, rank, 100, 110, kept), now)];

    private static JobDecision[] Fail(JobRun run) => [.. run.On(new WorkerProtocol.WorkerFailed(Job, Generation.First, 0, "it broke"))];
}
