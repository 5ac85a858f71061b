using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>The whole conversation through a real host, on devices that compute nothing: every sum is zero, every event is real.</summary>
public sealed class TrainingOnNothingTests
{
    [Theory]
    [InlineData("null=1")]
    [InlineData("null=3")]
    [InlineData("null=6")]
    public async Task A_job_runs_to_its_end(string devices)
    {
        await using var host = await TestHost.StartAsync(devices);

        var (result, progress) = await host.TrainAsync(TinyJob.Create(), new TrainingOptions { KeepLedger = true, DigestEvery = 5, EvaluateEachEpoch = true });

        Assert.Equal(12, result.Steps);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (long)i), progress.Select(p => p.Step));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], progress.Select(p => p.Epoch));
        Assert.Equal([4L, 9L], progress.Where(p => p.Digest is not null).Select(p => p.Step));
        Assert.Equal([3L, 7L, 11L], progress.Where(p => p.Test is not null).Select(p => p.Step));
        Assert.Equal(0, result.TestLoss);
        Assert.StartsWith("sha256:", result.Digest);
        Assert.InRange(result.PeakBytes, 1, result.PlannedBytes);
        foreach (var epoch in progress.GroupBy(p => p.Epoch))
        {
            var samples = epoch.SelectMany(p => p.Committed).SelectMany(c => c.Samples).Order();
            Assert.Equal(Enumerable.Range(0, TinyJob.Train).Select(i => (long)i), samples);
        }
    }

    [Fact]
    public async Task Devices_are_free_again_after_a_job()
    {
        await using var host = await TestHost.StartAsync("null=2");

        var (first, _) = await host.TrainAsync(TinyJob.Create());
        var (second, _) = await host.TrainAsync(TinyJob.Create());

        Assert.Equal(first.Digest, second.Digest);
    }

    [Fact]
    public async Task A_job_without_test_samples_has_no_figures()
    {
        await using var host = await TestHost.StartAsync("null=2");
        var job = TinyJob.Create() with { Data = TinyJob.Clouds() with { TestInputs = default, TestLabels = default } };

        var (result, _) = await host.TrainAsync(job);

        Assert.Null(result.Test);
    }
}
