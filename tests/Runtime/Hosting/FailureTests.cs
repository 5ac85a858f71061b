using Singa.Actors.Devices;
using Singa.Actors.Devices.Null;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>What can go wrong names itself, ends, and leaves the devices fit for the next job.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task The_only_device_that_breaks_ends_the_job_by_name()
    {
        await using var host = await TestHost.StartAsync("cpu=1", singa => singa.WithBackends(
            device => device.Index == 0 ? Failing(200, () => throw new InvalidOperationException("the fan stands still")) : new ReferenceBackend()));
        var run = await host.Training.SubmitAsync(TinyJob.Create() with { Epochs = 100 });

        var failure = await Assert.ThrowsAsync<TrainingFailedException>(() => run.Completion);

        Assert.Contains("the fan stands still", failure.Message);
        var (after, _) = await host.TrainAsync(TinyJob.Create());
        Assert.Equal(12, after.Steps);
    }

    [Fact]
    public async Task A_device_without_room_is_a_refusal()
    {
        await using var host = await TestHost.StartAsync("null=2", singa => singa.WithBackends(device => new SmallBackend(device.Name)));

        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(TinyJob.Create()));

        Assert.Contains("cannot allocate", refusal.Message);
    }

    [Theory]
    [InlineData(2, 150)]
    [InlineData(3, 200)]
    [InlineData(3, 331)]
    [InlineData(4, 505)]
    public async Task Whoever_is_left_when_a_device_breaks_goes_on_to_the_same_weights(int devices, int launches)
    {
        await using var whole = await TestHost.StartAsync("cpu=1");
        var (expected, steps) = await whole.TrainAsync(TinyJob.Create() with { Epochs = 20 }, new TrainingOptions { KeepLedger = true, EvaluateEachEpoch = true });
        await using var host = await TestHost.StartAsync($"cpu={devices}", singa => singa.WithBackends(
            device => device.Index == 0 ? Failing(launches, () => throw new InvalidOperationException("the fan stands still")) : new ReferenceBackend()));

        var (result, progress) = await host.TrainAsync(TinyJob.Create() with { Epochs = 20 }, new TrainingOptions { KeepLedger = true, EvaluateEachEpoch = true });

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(steps.Select(s => (s.Step, s.Loss, s.Test)), progress.Select(s => (s.Step, s.Loss, s.Test)));
        Assert.Equal(
            steps.SelectMany(s => s.Committed).Select(c => (c.Step, c.Shard, string.Join(' ', c.Samples))),
            progress.SelectMany(s => s.Committed).Select(c => (c.Step, c.Shard, string.Join(' ', c.Samples))));
        Assert.Contains("the fan stands still", Assert.Single(progress.SelectMany(p => p.Warnings)));
    }

    /// <summary>Where in its step it hangs decides how long its seat waits for it before the job regroups.</summary>
    [Theory]
    [InlineData(190)]
    [InlineData(197)]
    [InlineData(200)]
    public async Task A_device_that_hangs_is_left_behind(int launches)
    {
        using var hang = new ManualResetEventSlim();
        await using var host = await TestHost.StartAsync("cpu=2", singa => singa
            .WithHocon("singa.runtime.step-timeout = 1s, singa.runtime.rest-timeout = 1s, singa.runtime.release-timeout = 200ms, singa.devices.stop-grace = 100ms")
            .WithBackends(device => device.Index == 1 ? Failing(launches, hang.Wait) : new ReferenceBackend()));

        var (result, progress) = await host.TrainAsync(TinyJob.Create() with { Epochs = 10 });

        Assert.Equal(40, result.Steps);
        var warning = Assert.Single(progress.SelectMany(p => p.Warnings));
        Assert.Contains("did not finish step", warning);
        Assert.Contains("cpu:1", warning);
        hang.Set();
    }

    [Fact]
    public async Task Without_any_device_a_job_is_refused_after_a_while()
    {
        await using var host = await TestHost.StartAsync("cpu=1", singa => singa
            .WithHocon("singa.runtime.device-timeout = 200ms")
            .WithBackends(_ => throw new InvalidOperationException("there is no such thing")));

        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(TinyJob.Create()));

        Assert.StartsWith("no device was offered", refusal.Message);
    }

    [Fact]
    public async Task A_device_that_cannot_be_opened_leaves_the_others()
    {
        await using var host = await TestHost.StartAsync("cpu=3", singa => singa.WithBackends(
            device => device.Index == 1 ? throw new InvalidOperationException("there is no such thing") : new ReferenceBackend()));

        var run = await host.Training.SubmitAsync(TinyJob.Create());

        Assert.Equal(["cpu:0", "cpu:2"], run.Facts.Workers.Select(w => w.Device));
        Assert.Equal(12, (await run.Completion).Steps);
    }

    private static FailingBackend Failing(int launches, Action failure) => new(new ReferenceBackend(), launches, failure);

    private sealed class SmallBackend(string name) : IBackend
    {
        private readonly NullBackend inner = new(name);

        public DeviceProperties Properties => inner.Properties;

        public DeviceMemory Allocate(long bytes) => throw new OutOfDeviceMemoryException(name, bytes);

        public void Free(DeviceMemory memory)
        {
        }

        public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset)
        {
        }

        public void Download(DeviceMemory source, long offset, Span<byte> target)
        {
        }

        public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes)
        {
        }

        public CompiledKernel Compile(Graph.Plans.Kernel kernel, IReadOnlyList<BlockAddress> blocks) => inner.Compile(kernel, blocks);

        public void Launch(CompiledKernel kernel, DeviceMemory? scratch)
        {
        }

        public void Synchronize()
        {
        }

        public void Dispose()
        {
        }
    }
}
