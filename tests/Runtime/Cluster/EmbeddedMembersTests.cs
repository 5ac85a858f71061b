using Microsoft.Extensions.DependencyInjection;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Tests.Hosting;

namespace Singa.Actors.Runtime.Tests.Cluster;

/// <summary>Hosts that embed Singa as members of one cluster: what one of them submits, with samples of its memory, all of them train.</summary>
public sealed class EmbeddedMembersTests
{
    [Fact]
    public async Task What_a_host_has_in_memory_is_trained_on_by_everybody()
    {
        var job = TinyJob.Create() with { Epochs = 10, Shards = 4 };
        await using var alone = await TestHost.StartAsync("cpu=1");
        var (expected, _) = await alone.TrainAsync(job);
        await using var first = await TestHost.StartAsync("cpu=1", singa => Member(singa));
        var home = first.Services.GetRequiredService<ClusterHost>();
        await home.Joined;
        await using var second = await TestHost.StartAsync("cpu=2", singa => Member(singa, home.Address.ToString()));
        await second.Services.GetRequiredService<ClusterHost>().Joined;

        // Of as many devices as both have: the job waits until all are offered.
        var run = await second.Training.SubmitAsync(job, new TrainingOptions { MinDevices = 3 });
        var result = await run.Completion;

        Assert.Equal(3, run.Facts.Workers.Count(w => w.Shards.Count > 0));
        Assert.Equal((expected.Digest, expected.Test), (result.Digest, result.Test));
        Assert.Equal(expected.Model.Parameters.Keys, result.Model.Parameters.Keys);
    }

    /// <summary>
    /// Where one breaks, the others have finished their gradients; where one hangs, they have waited for it, and two workers of one process have added what
    /// they could. Whoever goes on takes it as it is.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_process_has_of_a_step_is_kept_where_a_device_of_another_breaks_or_hangs(bool hangs)
    {
        const string Impatient = "singa.runtime.rest-timeout = 4s, singa.runtime.release-timeout = 200ms, singa.devices.stop-grace = 100ms";
        // A worker's samples begin a step, and nothing else that is uploaded is as large. Where a step is admitted when the one before it is over, the
        // other device here having got them means that of the step before nothing is under way, and of theirs no bucket has been exchanged, whoever
        // is quicker.
        const int Step = 3;
        const string OneStep = "singa.runtime.steps-ahead = 1";
        // Who says nothing for half a second is not waited for, and what it has is lost: a busy machine may be silent for longer.
        var patient = RegroupingTimes.Default with { SilenceGrace = TimeSpan.FromMinutes(1), HoldGrace = TimeSpan.FromMinutes(1) };
        var job = RegroupTests.Job with { Epochs = 3, Shards = 8 };
        int samplesBytes = job.BatchSize / 4 * (int)TinyJob.Clouds().Sample.Count * sizeof(float);
        using var begun = new ManualResetEventSlim();
        using var over = new ManualResetEventSlim();
        await using var alone = await TestHost.StartAsync("cpu=1", singa => singa.WithBackends(_ => new ReferenceBackend()));
        var (expected, _) = await alone.TrainAsync(job);
        await using var first = await TestHost.StartAsync("cpu=2", singa => Member(singa.WithBackends(_ => new ReferenceBackend()).WithHocon(Impatient).WithRegrouping(patient)));
        var home = first.Services.GetRequiredService<ClusterHost>();
        await home.Joined;
        await using var second = await TestHost.StartAsync("cpu=2", singa => Member(
            singa.WithBackends(device => new FailingBackend(new ReferenceBackend(), 0, device.Index == 0 ? begun.Set : Fail, Step, samplesBytes))
                .WithHocon(Impatient).WithHocon(OneStep).WithRegrouping(patient), home.Address.ToString()));
        await second.Services.GetRequiredService<ClusterHost>().Joined;

        var run = await first.Training.SubmitAsync(job, new TrainingOptions { MinDevices = 4 });
        var steps = new List<TrainingProgress>();
        await foreach (var step in run.Progress)
            steps.Add(step);
        var result = await run.Completion;
        over.Set();

        Assert.Equal((expected.Digest, expected.Test), (result.Digest, result.Test));
        // The two of the device that is lost are the only ones computed in vain, whoever had begun with his in time.
        var work = Assert.Single(steps, s => s.Shards.WasInterrupted).Shards;
        Assert.Equal((8, 10), (work.Committed, work.Computed));
        Assert.Contains(work.Reused, new long[] { 2, 4, 6 });

        void Fail()
        {
            begun.Wait();
            if (!hangs)
                throw new InvalidOperationException("it is no more");
            over.Wait();
        }
    }

    private static void Member(SingaBuilder singa, params string[] seeds) => singa.WithHocon(
        $"singa.cluster {{ enabled = on, state-dir = off, form-after = 100ms, seed-nodes = [{string.Join(", ", seeds.Select(s => $"\"{s}\""))}] }}");
}
