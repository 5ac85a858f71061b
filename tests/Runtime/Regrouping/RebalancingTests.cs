using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Regrouping;

public sealed class RebalancingTests
{
    private readonly Rebalancing rebalancing = new(gain: 0.1, steps: 3, pause: 2);

    public RebalancingTests() => rebalancing.Begin([new ShardRange(0, 4), new ShardRange(4, 4)], [0, 0]);

    [Fact]
    public void Equal_workers_keep_what_they_have()
    {
        for (int step = 0; step < 100; step++)
            Assert.Null(rebalancing.Measured([1.0, 1.05]));
    }

    [Fact]
    public void A_slow_worker_loses_shards_after_some_steps()
    {
        Assert.Null(rebalancing.Measured([1.0, 3.0]));
        Assert.Null(rebalancing.Measured([1.0, 3.0]));
        var speeds = rebalancing.Measured([1.0, 3.0]);
        Assert.NotNull(speeds);
        Assert.Equal([new ShardRange(0, 6), new ShardRange(6, 2)], Runtime.Scheduling.Assignment.Of(8, [.. speeds.Value]).AsEnumerable());
    }

    [Fact]
    public void One_hiccup_moves_nothing()
    {
        for (int step = 0; step < 50; step++)
            Assert.Null(rebalancing.Measured([1.0, step == 20 ? 1.8 : 1.0]));
    }

    [Fact]
    public void After_a_move_nothing_moves_back()
    {
        for (int step = 0; step < 3; step++)
            rebalancing.Measured([1.0, 3.0]);
        rebalancing.Begin([new ShardRange(0, 6), new ShardRange(6, 2)], [.. rebalancing.SecondsPerShard]);
        for (int step = 0; step < 50; step++)
            Assert.Null(rebalancing.Measured([1.5, 1.5]));
    }

    [Fact]
    public void A_young_generation_is_left_alone()
    {
        var patient = new Rebalancing(gain: 0.1, steps: 1, pause: 10);
        patient.Begin([new ShardRange(0, 4), new ShardRange(4, 4)], [0, 0]);
        for (int step = 0; step < 10; step++)
            Assert.Null(patient.Measured([1.0, 3.0]));
        Assert.NotNull(patient.Measured([1.0, 3.0]));
    }

    [Fact]
    public void Whoever_has_not_been_measured_gets_no_more_than_he_has()
    {
        rebalancing.Begin([new ShardRange(0, 8), new ShardRange(8, 0)], [0, 0]);
        for (int step = 0; step < 10; step++)
            Assert.Null(rebalancing.Measured([1.0, 0]));
    }
}
