using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

public sealed class StepPipelineTests
{
    private readonly StepPipeline pipeline = new(ahead: 2);

    [Fact]
    public void Two_steps_are_with_the_device_and_no_more()
    {
        Offer(0, 1, 2);

        Assert.Equal([0L, 1L], AdmitAll());
        Complete(0, 10);
        Assert.Equal([2L], AdmitAll());
    }

    [Fact]
    public void A_step_is_timed_from_the_end_of_the_one_before_or_its_own_beginning()
    {
        Offer(0, 1);
        AdmitAll(timestamp: 100);

        Assert.Equal((100L, 150L), Complete(0, 150));
        Assert.Equal((150L, 180L), Complete(1, 180));

        Offer(2);
        AdmitAll(timestamp: 500);
        Assert.Equal((500L, 510L), Complete(2, 510));
    }

    [Fact]
    public void Nothing_passes_a_step_whose_weights_are_to_be_read_until_they_have_been()
    {
        pipeline.Offer(Batch(0, digest: true));
        Offer(1);

        Assert.Equal([0L], AdmitAll());
        Complete(0, 10);
        Assert.Empty(AdmitAll());
        Assert.True(pipeline.IsHeld);
        pipeline.Release();
        Assert.Equal([1L], AdmitAll());
    }

    [Fact]
    public void What_ends_out_of_order_is_reported_in_order()
    {
        Offer(0, 1);
        AdmitAll(timestamp: 100);

        pipeline.Complete(1, 110);
        Assert.Null(pipeline.Take());
        Assert.Equal((100L, 120L), Complete(0, 120));
        Assert.Equal((1L, 120L, 120L), pipeline.Take() is var (batch, since, until, _) ? (batch.Tag, since, until) : default);
    }

    [Fact]
    public void What_was_never_admitted_cannot_end()
    {
        Offer(0, 1);
        AdmitAll();
        Assert.Throws<InvalidOperationException>(() => pipeline.Complete(2, 10));
    }

    [Fact]
    public void Steps_wait_for_their_limit_and_tests_of_those_before_it_do_not()
    {
        pipeline.Limit = 1;
        Offer(0);
        pipeline.Offer(new PreparedBatch(new WorkItem.Evaluate(0, 0, 0, 1, IsLast: true), -2, null!));
        Offer(1, 2);

        Assert.Equal([0L, -2L], AdmitAll());
        Assert.Equal(1, pipeline.Next);
        Complete(0, 10);
        Complete(-2, 20);
        Assert.Empty(AdmitAll());
        pipeline.Limit = 2;
        Assert.Equal([1L], AdmitAll());
        Assert.Equal(2, pipeline.Next);
    }

    [Fact]
    public void A_step_before_which_the_replica_is_copied_waits_for_all_before_it_and_for_the_copy()
    {
        Offer(0);
        pipeline.Offer(Batch(1, digest: false, save: true));
        Assert.Equal([0L], AdmitAll());
        Assert.Null(pipeline.TakeSave());
        Complete(0, 10);
        Assert.Empty(AdmitAll());

        Assert.Equal(1, pipeline.TakeSave());
        Assert.Null(pipeline.TakeSave());
        Assert.Empty(AdmitAll());
        pipeline.Release();
        Assert.Null(pipeline.TakeSave());
        Assert.Equal([1L], AdmitAll());
    }

    [Fact]
    public void Nothing_is_copied_for_a_step_that_is_not_allowed_yet()
    {
        pipeline.Limit = 0;
        pipeline.Offer(Batch(0, digest: false, save: true));
        Assert.Null(pipeline.TakeSave());
        pipeline.Limit = 1;
        Assert.Equal(0, pipeline.TakeSave());
    }

    [Fact]
    public void It_is_held_until_the_last_reader_has_read()
    {
        pipeline.Offer(Batch(0, digest: true));
        Offer(1);
        Assert.Equal([0L], AdmitAll());
        Complete(0, 10);
        pipeline.Hold();
        pipeline.Release();
        Assert.Empty(AdmitAll());
        pipeline.Release();
        Assert.Equal([1L], AdmitAll());
    }

    private (long Since, long Until)? Complete(long tag, long timestamp)
    {
        pipeline.Complete(tag, timestamp);
        return pipeline.Take() is var (batch, since, until, _) && batch.Tag == tag ? (since, until) : null;
    }

    private void Offer(params long[] steps)
    {
        foreach (long step in steps)
            pipeline.Offer(Batch(step, digest: false));
    }

    private List<long> AdmitAll(long timestamp = 0)
    {
        var tags = new List<long>();
        while (pipeline.Admit(timestamp) is { } batch)
            tags.Add(batch.Tag);
        return tags;
    }

    private static PreparedBatch Batch(long step, bool digest, bool save = false) =>
        new(new WorkItem.Train(new ScheduledStep(step, 0, 0, 1), 0, 1, digest, save), step, null!);
}
