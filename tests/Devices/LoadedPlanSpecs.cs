using System.Collections.Immutable;
using static Singa.Actors.Devices.Tests.TestPlans;

namespace Singa.Actors.Devices.Tests;

public sealed class LoadedPlanSpecs
{
    [Fact]
    public void Constants_are_there_before_the_first_section()
    {
        ImmutableArray<byte> content = [.. Enumerable.Range(0, BlockBytes).Select(i => (byte)i)];
        using var loaded = LoadedPlan.Load(new ScriptedBackend(), Of(2) with { Constants = ImmutableDictionary<int, ImmutableArray<byte>>.Empty.Add(1, content) });
        var read = new byte[BlockBytes];
        loaded.ReadBlock(1, read);
        Assert.Equal(content, read);
    }

    [Fact]
    public void Blocks_in_others_memory_take_no_room_in_the_arena_and_are_not_freed()
    {
        var backend = new DeviceAllocator(new ScriptedBackend());
        var mine = backend.Allocate(100);
        var loaded = LoadedPlan.Load(backend, Of(3), new Dictionary<int, DeviceMemory> { [2] = mine });
        Assert.Equal(2 * BlockBytes + 100, loaded.PlannedBytes);
        Assert.Equal(loaded.PlannedBytes, backend.AllocatedBytes);
        Assert.Same(mine, loaded.Addresses[2].Memory);
        loaded.Dispose();
        Assert.Equal(100, backend.AllocatedBytes);
    }

    [Fact]
    public void Memory_that_is_too_small_is_refused_and_nothing_is_left_behind()
    {
        var backend = new DeviceAllocator(new ScriptedBackend());
        var small = backend.Allocate(8);
        var error = Assert.Throws<ArgumentException>(() => LoadedPlan.Load(backend, Of(2), new Dictionary<int, DeviceMemory> { [1] = small }));
        Assert.Contains("block b1 needs 64 bytes and was given 8", error.Message);
        Assert.Equal(8, backend.AllocatedBytes);
    }

    [Fact]
    public void A_section_that_does_not_exist_is_named_with_those_that_do()
    {
        using var loaded = LoadedPlan.Load(new ScriptedBackend(), Of(1, Section("update"), Section("predict/8")));
        Assert.Equal(1, loaded.SectionIndex("predict/8"));
        Assert.Contains("update, predict/8", Assert.Throws<KeyNotFoundException>(() => loaded.SectionIndex("train")).Message);
    }

    [Fact]
    public void The_runner_refuses_several_rows_without_anybody_to_combine_them()
    {
        using var runner = new PlanRunner(new ScriptedBackend(), Of(1, Section("s", Exchange(0, 0, rows: 2))));
        Assert.Contains("2 rows", Assert.Throws<InvalidOperationException>(() => runner.Run("s")).Message);
    }

    [Fact]
    public void Settings_come_from_the_reference_and_are_checked()
    {
        Assert.Equal(TimeSpan.FromMicroseconds(100), DevicesSettings.From(null).SpinTime);
        var config = Akka.Configuration.ConfigurationFactory.ParseString("singa.devices.queue-depth = 3");
        Assert.Equal((3, TimeSpan.FromSeconds(10)), (DevicesSettings.From(config).QueueDepth, DevicesSettings.From(config).StopGrace));
        Assert.Throws<Akka.Configuration.ConfigurationException>(
            () => DevicesSettings.From(Akka.Configuration.ConfigurationFactory.ParseString("singa.devices.spin-time = 5s")));
    }
}
