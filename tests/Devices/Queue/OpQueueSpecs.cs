using System.Collections.Immutable;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests.Queue;

public sealed class OpQueueSpecs
{
    private readonly OpQueue queue = new();
    private readonly Heard heard = new();

    [Fact]
    public void An_operation_waits_for_what_it_reads()
    {
        var lane = Lane(Section("s", Work("write", [], [0]), Work("read", [0], [1])));
        Admit(lane, 1);
        var write = queue.Take()!;
        Assert.Equal(0, write.Index);
        Assert.Null(queue.Take());
        Assert.Equal(1, queue.CompleteAndTake(write, 0)!.Index);
    }

    [Fact]
    public void An_exchange_is_begun_before_the_work_that_it_can_hide_behind()
    {
        var lane = Lane(Section("backward", Work("late layer", [], [0]), Work("middle layer", [], [1]), Work("first layer", [], [2])), Section("exchange", Exchange(0, 0), Exchange(1, 1)));
        Admit(lane, 1, 0, 1);
        var late = queue.Take()!;
        var exchange = queue.CompleteAndTake(late, 0)!;
        Assert.Equal((1, 0), (exchange.Section, exchange.Index));
        var middle = queue.Take()!;
        Assert.Equal((0, 1), (middle.Section, middle.Index));
        Assert.Equal((1, 1), (queue.CompleteAndTake(middle, 0)! is var next ? (next.Section, next.Index) : default));
    }

    [Fact]
    public void Readers_run_side_by_side_and_the_next_writer_waits_for_both()
    {
        var lane = Lane(Section("s", Work("r1", [0], [1]), Work("r2", [0], [2]), Work("w", [], [0])));
        Admit(lane, 1);
        var (first, second) = (queue.Take()!, queue.Take()!);
        Assert.Null(queue.Take());
        Assert.Null(queue.CompleteAndTake(second, 0));
        Assert.Equal(2, queue.CompleteAndTake(first, 0)!.Index);
    }

    [Fact]
    public void A_section_waits_for_an_earlier_one_only_where_they_touch_the_same_blocks()
    {
        var lane = Lane(Section("a", Work("w0", [], [0])), Section("b", Work("r0", [0], [1]), Work("free", [], [2])));
        Admit(lane, 1, 0);
        var first = queue.Take()!;
        Admit(lane, 2, 1);
        Assert.Equal((1, 1), (queue.Take()!.Section, 1));
        Assert.Null(queue.Take());
        queue.Complete(first);
        Assert.Equal((1, 0), (queue.Take()!.Section, 0));
    }

    [Fact]
    public void Runs_of_sections_that_share_memory_follow_one_another()
    {
        var plan = new Plan(
            [new Block(0, "a", BlockKind.Transient, 64, 0), new Block(1, "b", BlockKind.Transient, 64, 32)], 96, 96,
            ImmutableDictionary<int, ImmutableArray<byte>>.Empty,
            [Section("a", Work("a1", [], [0]), Work("a2", [0], [])), Section("b", Work("b1", [], [1]))]);
        var lane = OpQueue.Open(new JobId("j"), PlanHazards.Of(plan));
        Admit(lane, 1, 0, 1, 0);
        List<int> order = [];
        for (var next = queue.Take(); next is not null; next = queue.CompleteAndTake(next, 0))
        {
            order.Add(next.Section * 10 + next.Index);
            Assert.Null(queue.Take());
        }

        Assert.Equal([0, 1, 10, 0, 1], order);
        Assert.Equal([1], heard.CompletedTags);
    }

    [Fact]
    public void Higher_priority_goes_first_and_equal_priority_in_order()
    {
        var lane = Lane(Section("s", Work("x", [], [])));
        Admit(lane, 1);
        Admit(lane, 2);
        queue.Admit(lane, 3, [new SectionRun(0, [])], 5, heard);
        Assert.Equal([3L, 1L, 2L], new[] { queue.Take()!.Tag, queue.Take()!.Tag, queue.Take()!.Tag });
    }

    [Fact]
    public void A_submission_is_reported_once_with_all_the_time_it_took()
    {
        var lane = Lane(Section("s", Work("x", [], [0]), Work("y", [], [1])));
        Admit(lane, 7);
        var (x, y) = (queue.Take()!, queue.Take()!);
        queue.Complete(x, 10);
        Assert.Empty(heard.CompletedTags);
        queue.Complete(y, 10);
        Assert.Equal([7], heard.CompletedTags);
    }

    [Fact]
    public void Nothing_to_do_is_done_at_once()
    {
        Admit(Lane(Section("s")), 3);
        Assert.Equal([3], heard.CompletedTags);
    }

    [Fact]
    public void A_failure_takes_along_what_was_admitted_later_and_closes_the_job_until_it_cancels()
    {
        var lane = Lane(Section("s", Work("x", [0], [0]), Work("y", [0], [1])));
        Admit(lane, 1);
        Admit(lane, 2);
        var other = Lane(Section("s", Work("x", [0], [0])));
        Admit(other, 9);
        queue.Fail(queue.Take()!, "it is broken");
        Assert.Equal([(1, "it is broken"), (2, "step 1 of job j failed: it is broken")], heard.Failures);
        Assert.Equal("step 1 of job j failed: it is broken", queue.Admit(lane, 3, [new SectionRun(0, [])], 0, heard));
        Assert.Equal(9, queue.Take()!.Tag);
        bool quiet = false;
        queue.Cancel(lane, "start again", () => quiet = true);
        Assert.True(quiet);
        Admit(lane, 4);
        Assert.Equal(4, queue.Take()!.Tag);
    }

    [Fact]
    public void Where_peers_do_not_come_the_sections_before_the_exchange_still_run()
    {
        var lane = Lane(Section("gradients", Work("g0", [], [0]), Work("g1", [], [1])), Section("exchange", Work("x0", [0], [0]), Work("x1", [1], [1])), Section("update", Work("u", [], [2])));
        queue.Admit(lane, 7, [new SectionRun(0, []), new SectionRun(1, []), new SectionRun(2, [])], 0, heard);
        queue.Complete(queue.Take()!);
        var g1 = queue.Take()!;
        var x0 = queue.Take()!;
        queue.Fail(x0, "nobody came", byPeers: true);
        Assert.Equal([(7L, "nobody came")], heard.Failures);
        bool quiet = false;
        queue.Cancel(lane, "rest", () => quiet = true, new FirstSections(7, 1));
        Assert.False(quiet);
        Assert.Null(queue.CompleteAndTake(g1, 0));
        Assert.True(quiet);
        Assert.Equal((1, 0), (lane.SectionsRun(7), lane.SectionsRun(8)));
        Admit(lane, 8);
        Assert.Equal(0, lane.SectionsRun(7));
    }

    [Fact]
    public void What_is_to_be_finished_is_finished_where_nothing_has_failed_yet()
    {
        var lane = Lane(Section("test", Work("t", [3], [])), Section("gradients", Work("g0", [], [0]), Work("g1", [0], [1])), Section("update", Work("u", [], [2])));
        Admit(lane, -2, 0);
        queue.Admit(lane, 7, [new SectionRun(1, []), new SectionRun(2, [])], 0, heard);
        bool quiet = false;
        queue.Cancel(lane, "rest", () => quiet = true, new FirstSections(7, 1));
        Assert.Equal([(-2L, "rest"), (7L, "rest")], heard.Failures);
        Assert.Equal((1, 0), (queue.Take() is var g0 ? g0!.Section : 0, g0!.Index));
        Assert.Equal((1, 1), (queue.CompleteAndTake(g0, 0) is var g1 ? g1!.Section : 0, g1!.Index));
        queue.Complete(g1);
        Assert.True(quiet);
        Assert.Equal((1, null), (lane.SectionsRun(7), lane.Failure));
    }

    [Fact]
    public void What_does_not_run_to_its_end_does_not_count()
    {
        var lane = Lane(Section("gradients", Work("g0", [], [0]), Work("g1", [0], [1]), Work("g2", [1], [1])), Section("update", Work("u", [], [2])));
        Admit(lane, 7, 0, 1);
        queue.Cancel(lane, "rest", () => { }, new FirstSections(7, 1));
        var g1 = queue.CompleteAndTake(queue.Take()!, 0)!;
        queue.Fail(g1, "it is broken");
        Assert.Equal((0, "it is broken"), (lane.SectionsRun(7), lane.Failure));

        Admit(lane, 8, 0, 1);
        queue.Cancel(lane, "rest", () => { }, new FirstSections(8, 1));
        var g0 = queue.Take()!;
        queue.Cancel(lane, "enough", () => { });
        Assert.Null(queue.CompleteAndTake(g0, 0));
        Assert.Equal((0, null), (lane.SectionsRun(8), lane.Failure));
        Assert.Equal((0, 0), queue.Count);
    }

    [Fact]
    public void A_failure_leaves_alone_what_was_admitted_before()
    {
        var lane = Lane(Section("early", Work("x", [], [0]), Work("y", [0], [0])), Section("late", Work("z", [], [1])));
        Admit(lane, 1, 0);
        var x = queue.Take()!;
        Admit(lane, 2, 1);
        queue.Fail(queue.Take()!, "no");
        queue.Complete(queue.CompleteAndTake(x, 0)!);
        Assert.Equal([1], heard.CompletedTags);
        Assert.Equal([(2L, "no")], heard.Failures);
    }

    [Fact]
    public void Cancelling_is_over_when_what_runs_is()
    {
        var lane = Lane(Section("s", Work("x", [], [0]), Work("y", [0], [0])));
        Admit(lane, 1);
        var running = queue.Take()!;
        bool quiet = false;
        queue.Cancel(lane, "enough", () => quiet = true);
        Assert.Equal([(1L, "enough")], heard.Failures);
        Assert.False(quiet);
        Assert.NotNull(queue.Admit(lane, 2, [new SectionRun(0, [])], 0, heard));
        Assert.Null(queue.CompleteAndTake(running, 0));
        Assert.True(quiet);
        Assert.Empty(heard.CompletedTags);
        Assert.Equal((0, 0), queue.Count);
    }

    [Fact]
    public void Draining_finishes_what_is_there_and_refuses_what_comes()
    {
        var lane = Lane(Section("s", Work("x", [], [0])));
        Admit(lane, 1);
        bool drained = false;
        queue.Drain(() => drained = true);
        Assert.Contains("drained", queue.Admit(lane, 2, [new SectionRun(0, [])], 0, heard));
        Assert.False(drained);
        queue.Complete(queue.Take()!);
        Assert.True(drained);
        Assert.Equal([1], heard.CompletedTags);
    }

    [Fact]
    public void A_paused_queue_takes_work_and_hands_none_out()
    {
        var lane = Lane(Section("s", Work("x", [], [0]), Work("y", [0], [1])));
        Admit(lane, 1);
        var running = queue.Take()!;
        List<bool> still = [];
        queue.Pause(still.Add);
        Admit(lane, 2);
        Assert.Empty(still);
        Assert.Null(queue.CompleteAndTake(running, 0));
        Assert.Equal([true], still);
        Assert.False(queue.HasReady);
        Assert.Null(queue.Take());

        queue.Resume();
        Assert.True(queue.HasReady);
        for (var next = queue.Take(); next is not null;)
            next = queue.CompleteAndTake(next, 0);
        Assert.Equal([1, 2], heard.CompletedTags);
        Assert.Equal([true], still);
    }

    [Fact]
    public void Whoever_waits_for_a_pause_hears_when_it_does_not_come()
    {
        var lane = Lane(Section("s", Work("x", [], [0])));
        Admit(lane, 1);
        queue.Take();
        List<bool> still = [];
        queue.Pause(still.Add);
        queue.Resume();
        Assert.Equal([false], still);
    }

    [Fact]
    public void A_paused_queue_can_be_cancelled_and_drains_once_it_goes_on()
    {
        var (first, second) = (Lane(Section("s", Work("x", [], [0]))), Lane(Section("s", Work("x", [], [0]))));
        Admit(first, 1);
        Admit(second, 2);
        queue.Pause(_ => { });
        bool quiet = false, drained = false;
        queue.Cancel(first, "enough", () => quiet = true);
        queue.Drain(() => drained = true);
        Assert.Equal((true, false), (quiet, drained));
        queue.Resume();
        queue.Complete(queue.Take()!);
        Assert.True(drained);
    }

    [Fact]
    public void Its_status_says_what_each_job_has_in_it()
    {
        var (busy, idle) = (Lane(Section("s", Work("x", [], [0]), Work("y", [0], [1]))), Lane(Section("s")));
        Admit(busy, 1);
        Admit(busy, 2);
        queue.Take();
        Assert.Equal(new QueueStatus(false, 3, 1, [new JobDepth(new("j"), 2, 4), new JobDepth(new("j"), 0, 0)]), queue.Status([busy, idle]));
        queue.Pause(_ => { });
        Assert.True(queue.Status([]).IsPaused);
    }

    [Fact]
    public void A_job_that_submits_without_end_is_told_the_limit()
    {
        var small = new OpQueue(depth: 2);
        var lane = Lane(Section("s", Work("x", [], [0])));
        Assert.Null(small.Admit(lane, 1, [new SectionRun(0, [])], 0, heard));
        Assert.Null(small.Admit(lane, 2, [new SectionRun(0, [])], 0, heard));
        Assert.Contains("singa.devices.queue-depth", small.Admit(lane, 3, [new SectionRun(0, [])], 0, heard));
    }

    [Fact]
    public void A_steady_state_allocates_nothing()
    {
        var lane = Lane(Section("s", [.. Enumerable.Range(0, 20).Select(i => Work($"{i}", [i % 3, 3], [(i + 1) % 3]))]));
        ImmutableArray<SectionRun> run = [new SectionRun(0, [])];
        Steps(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Steps(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                queue.Admit(lane, i, run, 0, Silence.Instance);
                for (var next = queue.Take(); next is not null;)
                    next = queue.CompleteAndTake(next, 1);
            }
        }
    }

    private static JobLane Lane(params Section[] sections) => OpQueue.Open(new JobId("j"), PlanHazards.Of(Of(4, sections)));

    private void Admit(JobLane lane, long tag, params int[] sections) =>
        Assert.Null(queue.Admit(lane, tag, [.. (sections.Length == 0 ? [0] : sections).Select(s => new SectionRun(s, []))], 0, heard));

    private sealed class Silence : ISubmissionListener
    {
        public static readonly Silence Instance = new();

        public void Completed(long tag, TimeSpan busy)
        {
        }

        public void Failed(long tag, string reason, bool byPeers)
        {
        }
    }
}
