using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>When training ends early, and with which weights, is the job's matter: not of how many devices there are or how fast they report.</summary>
public sealed class EarlyStoppingTests : IDisposable
{
    /// <summary>Falls fast at first; less than 0.01 from one test to the next is no progress.</summary>
    private static readonly TrainingJob Job = TinyJob.Create() with
    {
        Epochs = 100, EvaluateEvery = 6, EarlyStopping = new EarlyStopping { Patience = 2, MinDelta = 0.01 },
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task It_ends_at_the_same_step_with_the_best_weights_on_any_number_of_devices()
    {
        var (whole, plain) = await TrainAsync(1, Job with { EarlyStopping = null }, new TrainingOptions { DigestEvery = 1 });
        Assert.False(whole.StoppedEarly);
        var tests = plain.Where(p => p.Test is not null).ToArray();
        var (best, waited, stopped) = (tests[0], 0, tests[0]);
        foreach (var test in tests[1..])
        {
            (best, waited, stopped) = test.Test!.Loss < best.Test!.Loss - 0.01 ? (test, 0, test) : (best, waited + 1, test);
            if (waited == 2)
                break;
        }

        Assert.InRange(stopped.Step, 12, 390);
        foreach (int devices in new[] { 1, 2, 3, 4 })
        {
            var (result, steps) = await TrainAsync(devices, Job, new TrainingOptions { EvaluateEachEpoch = devices % 2 == 0 });
            Assert.True(result.StoppedEarly);
            Assert.Equal((stopped.Step + 1, best.Step + 1), (result.Steps, result.TrainedSteps));
            Assert.Equal(stopped.Step, steps[^1].Step);
            Assert.Equal((best.Digest, best.Test), (result.Digest, result.Test));
            Assert.Equal(result.Digest, result.Model.Digest);
        }

        var (last, _) = await TrainAsync(2, Job with { EarlyStopping = Job.EarlyStopping! with { RestoreBest = false } }, new TrainingOptions());
        Assert.Equal((stopped.Digest, stopped.Test, stopped.Step + 1), (last.Digest, last.Test, last.TrainedSteps));
    }

    [Fact]
    public async Task It_is_counted_on_over_interruptions()
    {
        var (expected, _) = await TrainAsync(2, Job, new TrainingOptions());
        var options = new TrainingOptions { Checkpoint = new CheckpointOptions(folder["saved"]) { Every = 3 } };
        int runs = 0;
        while (true)
        {
            await using var host = await StartAsync(1 + runs++ % 3);
            var run = await host.Training.SubmitAsync(Job, options);
            Task<long?>? stop = null;
            await foreach (var step in run.Progress)
            {
                if (step.Step == run.Facts.FirstStep + 9)
                    stop = run.StopAsync();
            }

            if (stop is not null && await stop is not null)
                continue;
            var result = await run.Completion;
            Assert.Equal((expected.Digest, expected.Test, expected.Steps, expected.TrainedSteps), (result.Digest, result.Test, result.Steps, result.TrainedSteps));
            break;
        }

        Assert.InRange(runs, 2, 400);
        var (again, steps) = await TrainAsync(3, Job, options);
        Assert.Empty(steps);
        Assert.Equal((expected.Digest, expected.Test, true, expected.TrainedSteps), (again.Digest, again.Test, again.StoppedEarly, again.TrainedSteps));
        Assert.Equal(again.Digest, again.Model.Digest);
    }

    [Fact]
    public async Task A_job_that_never_stops_early_still_ends_with_its_best_weights()
    {
        var job = Job with { MaxSteps = 20, EvaluateEvery = 0, EarlyStopping = new EarlyStopping { Patience = 100 } };
        var (result, steps) = await TrainAsync(2, job, new TrainingOptions { DigestEvery = 1 });
        Assert.False(result.StoppedEarly);
        Assert.Equal([3L, 7, 11, 15, 19], steps.Where(s => s.Test is not null).Select(s => s.Step));
        var best = steps.Where(s => s.Test is not null).MinBy(s => s.Test!.Loss)!;
        Assert.Equal((best.Digest, best.Test), (result.Digest, result.Test));
    }

    [Fact]
    public async Task Without_samples_held_back_it_is_refused()
    {
        await using var host = await StartAsync(1);
        var job = Job with { Data = TinyJob.Clouds() with { TestInputs = default, TestLabels = default } };
        Assert.StartsWith("early-stopping goes by", (await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(job))).Message);
    }

    private static Task<TestHost> StartAsync(int devices) => TestHost.StartAsync($"cpu={devices}", singa => singa.WithBackends(_ => new ReferenceBackend()));

    private static async Task<(TrainingResult Result, List<TrainingProgress> Progress)> TrainAsync(int devices, TrainingJob job, TrainingOptions options)
    {
        await using var host = await StartAsync(devices);
        return await host.TrainAsync(job, options);
    }
}
