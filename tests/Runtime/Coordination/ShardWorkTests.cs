using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class ShardWorkTests
{
    private static readonly JobSchedule Schedule = JobSchedule.Of(samples: 70, batchSize: 32, epochs: 1, maxSteps: 0, shards: 8);
    private static readonly Membership Four = Membership.Form(Generation.First, [.. Enumerable.Range(0, 4).Select(n => new DeviceOffer($"n{n}", "cpu:0"))], 8, 0);

    private readonly ShardWork work = new(Schedule);

    [Fact]
    public void Undisturbed_steps_cost_their_shards()
    {
        Assert.Equal(new ShardCount(8, 8, 0), work.Happened(Schedule[0], 0));
        // Six samples, six shards.
        Assert.Equal(new ShardCount(6, 6, 0), work.Happened(Schedule[2], 0));
        Assert.Equal(new ShardCount(14, 14, 0), work.Total);
        Assert.False(work.Total.WasInterrupted);
    }

    [Fact]
    public void Of_a_step_that_was_interrupted_everything_counts_that_was_computed_and_those_who_are_gone_count_whole()
    {
        work.Interrupted(Four, 1, States(("n0", 1, 2), ("n2", 1, 2), ("n3", 1, 0)));
        Assert.Equal(new ShardCount(8, 2 + 2 + 2 + 4, 4), work.Happened(Schedule[1], 4));
        Assert.True(work.Total.WasInterrupted);
    }

    [Fact]
    public void Nobody_is_counted_twice_and_nothing_of_another_step()
    {
        var states = States(("n0", 1, 2), ("n1", 0, 2), ("n2", 1, 2), ("n3", 1, 2));
        work.Interrupted(Four, 1, states);
        work.Interrupted(Four, 1, states);
        Assert.Equal(new ShardCount(8, 6 + 2, 6), work.Happened(Schedule[1], 6));
        Assert.Equal(new ShardCount(8, 8, 0), work.Happened(Schedule[0], 0));
    }

    [Fact]
    public void Whoever_dies_at_what_was_missing_counts_with_that()
    {
        var second = Four with { Unfinished = new UnfinishedStep(1, [new([], [new(0, 1)]), new([new(2, 2)], [new(1, 1)]), new([new(4, 2)], []), new([new(6, 2)], [])]) };
        work.Interrupted(second, 1, States(("n1", 1, 1), ("n2", 1, 0), ("n3", 1, 0)));
        Assert.Equal(new ShardCount(8, 1 + 1 + 1, 7), work.Happened(Schedule[1], 7));
    }

    private static Dictionary<string, SeatState> States(params (string Node, long Step, int Computed)[] seats) => seats.ToDictionary(
        s => s.Node, s => new SeatState(new StartPoint(s.Step, null), PastSteps.None, []) { Kept = new KeptShards(s.Step, Generation.First, s.Computed, ImmutableArray<ShardRange>.Empty) });
}
