using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

public sealed class CompiledPlansTests
{
    private readonly CompiledPlans plans = new();
    private int compiled;

    [Fact]
    public void The_same_range_on_the_same_device_is_compiled_once()
    {
        var first = Get(0);
        Assert.NotSame(first, Get(1));
        Assert.NotSame(first, Get(0, "cpu:1"));
        Assert.Same(first, Get(0));
        Assert.Equal(3, compiled);
    }

    [Fact]
    public void Those_asked_for_last_are_kept()
    {
        var (first, second) = (Get(0), Get(1));
        for (int i = 2; i < 16; i++)
            Get(i);
        Assert.Same(first, Get(0));
        Get(16);
        Assert.Same(first, Get(0));
        Assert.NotSame(second, Get(1));
    }

    [Fact]
    public void What_could_not_be_compiled_is_tried_again()
    {
        var key = new PlanKey("cpu:0", new ShardRange(0, 1), new ShardRange(0, 0), null);
        Assert.Throws<JobRefusedException>(() => plans.Get(key, () => throw new JobRefusedException("too large")));
        Assert.NotNull(Get(0));
    }

    private WorkerPlan Get(int shard, string device = "cpu:0") => plans.Get(new PlanKey(device, new ShardRange(shard, 1), new ShardRange(0, 0), null), () =>
    {
        compiled++;
        return new WorkerPlan(null!, 1, 0, 0);
    });
}
