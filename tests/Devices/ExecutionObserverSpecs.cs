using System.Collections.Concurrent;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

/// <summary>What an executor tells whoever looks on.</summary>
public sealed class ExecutionObserverSpecs : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly OpQueue queue = new();
    private readonly FakeExchange exchange = new();
    private readonly Seen seen = new();
    private readonly ScriptedBackend backend = new();
    private readonly Executor executor;

    public ExecutionObserverSpecs() => executor = new Executor("test", queue, backend, TimeSpan.Zero, seen);

    public void Dispose() => executor.Stop(Patience);

    [Fact]
    public void Operations_exchanges_and_waits_are_told_in_order_without_overlap_and_flights_beside_them()
    {
        var plan = Of(4, Section("s", Work("gradient", [], [0]), Exchange(0, 0), Work("free", [], [1]), Work("update", [0], [2])));
        var lane = OpQueue.Open(new JobId("j"), PlanHazards.Of(plan), new JobContext(LoadedPlan.Load(backend, plan), exchange));
        var outcome = new Outcome();
        Admit(lane, 7, outcome);
        var travelling = exchange.Next();
        UntilIdle();
        travelling.Done.Complete();
        Assert.Equal(7, outcome.Next());
        UntilIdle();
        Admit(lane, 8, outcome);
        exchange.Next().Done.Complete();
        Assert.Equal(8, outcome.Next());
        executor.Run(() => { });

        // How long the queue takes between two operations is a matter of the machine.
        var all = seen.Where(e => e.Kind != ExecutionKind.HandOff).ToArray();
        var first = all.TakeWhile(e => e.Tag != 8).ToArray();
        Assert.Equal(
            [
                ExecutionKind.Operation, ExecutionKind.Exchange, ExecutionKind.Operation, ExecutionKind.PeerWait, ExecutionKind.Flight,
                ExecutionKind.Operation, ExecutionKind.WorkWait,
            ],
            first.Select(e => e.Kind));
        Assert.Equal([0, 1, 2, 3], first.Where(e => e.Kind is ExecutionKind.Operation or ExecutionKind.Exchange).Select(e => e.Operation));
        Assert.All(first.Where(e => e.Plan is not null), e => Assert.Equal((plan, 7), (e.Plan, e.Tag)));

        var track = all.Where(e => e.Kind != ExecutionKind.Flight).ToArray();
        Assert.All(track, e => Assert.True(e.Start <= e.End));
        Assert.All(track.Zip(track.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start));
        var flight = first.Single(e => e.Kind == ExecutionKind.Flight);
        var begun = first.Single(e => e.Kind == ExecutionKind.Exchange);
        Assert.Equal(begun.Start, flight.Start);
        Assert.True(flight.End >= begun.End);
    }

    private void Admit(JobLane lane, long tag, Outcome outcome)
    {
        Assert.Null(queue.Admit(lane, tag, [new SectionRun(0, [])], 0, outcome));
        executor.Wake();
    }

    /// <summary>An errand is run between two looks at the queue: after the second one the first look has found nothing.</summary>
    private void UntilIdle()
    {
        executor.Run(() => { });
        executor.Run(() => { });
    }

    private sealed class Seen : ConcurrentQueue<Execution>, IExecutionObserver
    {
        public void Saw(in Execution execution) => Enqueue(execution);
    }

    private sealed class Outcome : ISubmissionListener
    {
        private readonly BlockingCollection<long> heard = [];

        public void Completed(long tag, TimeSpan busy) => heard.Add(tag);

        public void Failed(long tag, string reason, bool byPeers) => throw new InvalidOperationException(reason);

        public long Next() => heard.TryTake(out long tag, Patience) ? tag : throw new TimeoutException("no outcome");
    }
}
