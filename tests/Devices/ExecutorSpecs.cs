using System.Collections.Concurrent;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

public sealed class ExecutorSpecs : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly OpQueue queue = new();
    private readonly FakeExchange exchange = new();
    private readonly BlockingCollection<Kernel> launched = [];
    private readonly Outcome outcome = new();
    private Action<Kernel> onLaunch = _ => { };
    private readonly ScriptedBackend backend;
    private readonly Executor executor;

    public ExecutorSpecs()
    {
        backend = new ScriptedBackend(k =>
        {
            onLaunch(k);
            launched.Add(k);
        });
        executor = new Executor("test", queue, backend, TimeSpan.FromMicroseconds(50));
    }

    public void Dispose() => executor.Stop(Patience);

    [Fact]
    public void Operations_overtake_an_exchange_they_do_not_depend_on()
    {
        var (lane, plan) = Load(Section("s",
            Work("gradient", [], [0]), Exchange(0, 0), Work("free", [], [1]), Work("update", [0], [2])));
        Admit(lane, 5);
        Assert.Same(Kernel(plan, 0), Launched());
        var travelling = exchange.Next();
        Assert.Equal((0, 5L), (travelling.Bucket, travelling.Tag));
        Assert.Same(Kernel(plan, 2), Launched());
        Assert.Empty(launched);
        travelling.Done.Complete();
        Assert.Same(Kernel(plan, 3), Launched());
        Assert.Equal(5, outcome.Completed());
    }

    [Fact]
    public void Two_exchanges_travel_at_once_and_may_end_in_any_order()
    {
        var (lane, _) = Load(Section("s", Exchange(0, 0), Exchange(1, 1), Work("update", [0, 1], [2])));
        Admit(lane, 1);
        var (first, second) = (exchange.Next(), exchange.Next());
        second.Done.Complete();
        first.Done.Complete();
        Assert.Equal(1, outcome.Completed());
    }

    [Fact]
    public void An_exchange_that_fails_fails_the_submission_by_name()
    {
        var (lane, _) = Load(Section("s", Exchange(0, 0), Work("update", [0], [1])));
        Admit(lane, 1);
        exchange.Next().Done.Fail("rank 1 is gone");
        Assert.Equal("operation 'exchange 0' of section 's' failed on test:0: rank 1 is gone", outcome.Failure());
        Assert.Empty(launched);
    }

    [Fact]
    public void A_kernel_that_throws_fails_the_submission_and_the_device_goes_on()
    {
        var (lane, _) = Load(Section("s", Work("bad", [], [0])));
        var (other, _) = Load(Section("s", Work("good", [], [0])));
        onLaunch = _ =>
        {
            onLaunch = _ => { };
            throw new ArithmeticException("it does not add up");
        };
        Admit(lane, 1);
        Assert.Equal("operation 'bad' of section 's' failed on test:0: it does not add up", outcome.Failure());
        Admit(other, 2);
        Assert.Equal(2, outcome.Completed());
        Assert.Single(exchange.Aborts, "operation 'bad' of section 's' failed on test:0: it does not add up");
    }

    [Fact]
    public void Host_buffers_come_in_and_go_out()
    {
        var section = new Section("s", [Upload(0, 0), Download(1, 0)], [BlockBytes, BlockBytes]);
        var (lane, _) = Load(section);
        var (source, target) = (Enumerable.Range(0, BlockBytes).Select(i => (byte)i).ToArray(), new byte[BlockBytes]);
        Assert.Null(queue.Admit(lane, 1, [new SectionRun(0, [source, target])], 0, outcome));
        executor.Wake();
        Assert.Equal(1, outcome.Completed());
        Assert.Equal(source, target);
    }

    [Fact]
    public void Errands_run_on_the_devices_thread_and_throw_where_they_were_asked_for()
    {
        Thread? thread = null;
        executor.Run(() => thread = Thread.CurrentThread);
        Assert.Equal("test", thread!.Name);
        Assert.Throws<FormatException>(() => executor.Run(() => throw new FormatException()));
    }

    [Fact]
    public void Stopping_waits_for_what_is_in_flight()
    {
        var (lane, _) = Load(Section("s", Exchange(0, 0)));
        Admit(lane, 1);
        var travelling = exchange.Next();
        Assert.False(executor.Stop(TimeSpan.Zero));
        travelling.Done.Complete();
    }

    private (JobLane Lane, LoadedPlan Plan) Load(params Section[] sections)
    {
        var plan = Of(4, sections);
        var loaded = LoadedPlan.Load(backend, plan);
        return (OpQueue.Open(new JobId("j"), PlanHazards.Of(plan), new JobContext(loaded, exchange)), loaded);
    }

    private void Admit(JobLane lane, long tag)
    {
        Assert.Null(queue.Admit(lane, tag, [new SectionRun(0, [])], 0, outcome));
        executor.Wake();
    }

    private static Kernel Kernel(LoadedPlan plan, int operation) => plan.Plan.Sections[0].Operations[operation].Kernel;

    private Kernel Launched() => launched.TryTake(out var kernel, Patience) ? kernel : throw new TimeoutException("nothing was launched");

    private sealed class Outcome : ISubmissionListener
    {
        private readonly BlockingCollection<(long Tag, string? Reason)> heard = [];

        public void Completed(long tag, TimeSpan busy) => heard.Add((tag, null));

        public void Failed(long tag, string reason, bool byPeers) => heard.Add((tag, reason));

        public long Completed() => Next() is (var tag, null) ? tag : throw new InvalidOperationException("it failed");

        public string Failure() => Next().Reason ?? throw new InvalidOperationException("it completed");

        private (long Tag, string? Reason) Next() => heard.TryTake(out var next, Patience) ? next : throw new TimeoutException("no outcome");
    }
}
