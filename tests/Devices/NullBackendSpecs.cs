using Singa.Actors.Devices.Null;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

public sealed class NullBackendSpecs
{
    [Fact]
    public void A_plan_larger_than_any_machine_is_accounted_and_runs()
    {
        const long Huge = 1L << 44;
        var plan = Of(2, new Graph.Plans.Section("s", [Upload(0, 0), Work("x", [0], [1]), Exchange(0, 1), Download(1, 1)], [BlockBytes, BlockBytes]))
            with { ArenaBytes = Huge };
        var backend = new DeviceAllocator(Backends.Create(new DeviceDescription("null", 3, 1)));
        using (var runner = new PlanRunner(backend, plan))
        {
            var result = Enumerable.Repeat((byte)1, BlockBytes).ToArray();
            runner.Run("s", new byte[BlockBytes], result);
            Assert.All(result, b => Assert.Equal(0, b));
            Assert.Equal(Huge, backend.AllocatedBytes);
            Assert.Equal(Huge, runner.Loaded.PlannedBytes);
        }

        Assert.Equal((0L, Huge), (backend.AllocatedBytes, backend.PeakBytes));
        Assert.Equal("null:3", backend.Properties.Name);
    }

    [Fact]
    public void Its_buckets_have_no_address()
    {
        using var loaded = LoadedPlan.Load(new NullBackend(), Of(1));
        Assert.Equal(0, loaded.HostRows(Whole(0)).Address);
    }
}
