using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>A job that ends and goes on, on other devices each time, comes out as if it had never been interrupted.</summary>
public sealed class CheckpointTests : IDisposable
{
    /// <summary>Something of every kind: momenta of the optimizer, running statistics, masks and a schedule that go by the step.</summary>
    private static readonly TrainingJob Job = TinyJob.Create() with
    {
        Model = new Sequential(new Linear(8), new BatchNorm(), new Activation("Relu"), new Dropout(0.2), new Linear(3)),
        Optimizer = new AdamW { LearningRate = 0.01, Schedule = new WarmUpSchedule(20, new CosineSchedule { To = 0.1 }) },
        Epochs = 30,
        EvaluateEvery = 50,
    };

    private static readonly Lazy<Task<(TrainingResult Result, List<TrainingProgress> Progress)>> Uninterrupted = new(() => TrainAsync(2, Job, new TrainingOptions()));

    private readonly TemporaryFolder folder = new();

    private TrainingOptions Saved => new() { Checkpoint = new CheckpointOptions(folder["saved"]) { Every = 17 } };

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stopped_and_resumed_on_other_devices_it_ends_with_the_same_bits(bool half)
    {
        var job = Job with { IsHalfStored = half };
        var (expected, steps) = half ? await TrainAsync(2, job, new TrainingOptions()) : await Uninterrupted.Value;
        var taken = new SortedDictionary<long, TrainingProgress>();
        long first = 0;
        foreach (int devices in new[] { 3, 1, 4 })
        {
            await using var host = await StartAsync(devices);
            var run = await host.Training.SubmitAsync(job, Saved);
            Assert.Equal(first, run.Facts.FirstStep);
            Task<long?>? stop = null;
            await foreach (var step in run.Progress)
            {
                Assert.True(taken.TryAdd(step.Step, step), $"step {step.Step} was taken twice");
                if (step.Step == first + 10)
                    stop = run.StopAsync();
            }

            first = (await stop!)!.Value;
            Assert.Equal(first, taken.Count);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        }

        var (result, rest) = await TrainAsync(2, job, Saved);
        foreach (var step in rest)
            Assert.True(taken.TryAdd(step.Step, step));
        Same(expected, result);
        Assert.Equal(steps.Select(Figures), taken.Values.Select(Figures));
    }

    [Fact]
    public async Task A_job_that_has_ended_ends_again_as_it_did()
    {
        var (first, _) = await TrainAsync(2, Job, Saved);
        var (again, steps) = await TrainAsync(3, Job, Saved);
        Same(first, again);
        Same((await Uninterrupted.Value).Result, again);
        Assert.Empty(steps);
        Assert.Equal((first.PeakBytes, first.PlannedBytes, first.Steps), (again.PeakBytes, again.PlannedBytes, again.Steps));
        Assert.Equal(first.FirstStepAt, again.FirstStepAt, TimeSpan.FromMilliseconds(1));
        Assert.Equal(first.Model.Run(new float[2]), again.Model.Run(new float[2]));
        Assert.Equal(["step-000000119.safetensors", "step-000000120.safetensors"], Files());
    }

    [Fact]
    public async Task A_damaged_checkpoint_costs_steps_and_nothing_else()
    {
        await TrainAsync(2, Job, Saved);
        string newest = Path.Combine(folder["saved"], Files()[^1]), before = Path.Combine(folder["saved"], Files()[0]);
        var bytes = File.ReadAllBytes(newest);
        bytes[3000] ^= 0x10;
        File.WriteAllBytes(newest, bytes);

        await using var host = await StartAsync(1);
        var run = await host.Training.SubmitAsync(Job, Saved);

        Assert.Equal($"checkpoint {newest} is damaged (its bytes do not match its checksum), using {before}", Assert.Single(run.Facts.Warnings));
        Assert.Equal((119L, before, false), (run.Facts.FirstStep, run.Facts.ResumedFrom, run.Facts.HasEnded));
        Same((await Uninterrupted.Value).Result, await run.Completion);
    }

    [Fact]
    public async Task Another_job_is_refused_and_leaves_the_folder_as_it_is()
    {
        await TrainAsync(2, Job, Saved);
        await using var host = await StartAsync(1);
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(Job with { Seed = 8, BatchSize = 16 }, Saved));
        Assert.Contains("batch-size is 32 there and 16 here", refusal.Message);
        Assert.Contains("seed is 7 there and 8 here", refusal.Message);
        Assert.Equal(2, Files().Length);
    }

    [Fact]
    public async Task A_job_whose_schedule_has_no_end_can_be_made_longer()
    {
        var job = TinyJob.Create();
        await TrainAsync(2, job, Saved);
        var (longer, steps) = await TrainAsync(1, job with { Epochs = 5 }, Saved);
        Assert.Equal(12, steps[0].Step);
        Same((await TrainAsync(2, job with { Epochs = 5 }, new TrainingOptions())).Result, longer);
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_written_is_a_warning_and_the_last_one_an_answer()
    {
        await using var host = await StartAsync(2);
        var run = await host.Training.SubmitAsync(Job, Saved);
        var warnings = new List<string>();
        await foreach (var step in run.Progress)
        {
            if (step.Step == 0)
            {
                Directory.Delete(folder["saved"], recursive: true);
                File.WriteAllText(folder["saved"], "in the way");
            }

            warnings.AddRange(step.Warnings);
        }

        var result = await run.Completion;
        Same((await Uninterrupted.Value).Result, result);
        Assert.NotEmpty(warnings);
        Assert.All(warnings, warning => Assert.Matches("^the checkpoint of step [0-9]+ could not be written: ", warning));
        Assert.NotNull(result.SaveFailure);
    }

    [Fact]
    public async Task What_cannot_be_saved_when_it_is_stopped_is_a_failure()
    {
        await using var host = await StartAsync(2);
        var run = await host.Training.SubmitAsync(Job, Saved with { Checkpoint = Saved.Checkpoint! with { Every = 1000 } });
        Directory.Delete(folder["saved"], recursive: true);
        File.WriteAllText(folder["saved"], "in the way");

        Assert.Null(await run.StopAsync());

        Assert.Matches("^it was stopped before step [0-9]+ and could not be saved: ", (await Assert.ThrowsAsync<TrainingFailedException>(() => run.Completion)).Message);
    }

    [Fact]
    public async Task A_paused_job_leaves_its_devices_to_others_and_goes_on_as_if_nothing_had_been()
    {
        await using var host = await StartAsync(2);
        var run = await host.Training.SubmitAsync(Job);
        var steps = run.Progress.GetAsyncEnumerator();
        Assert.True(await steps.MoveNextAsync());

        await run.PauseAsync();
        await run.PauseAsync();
        var (between, _) = await host.TrainAsync(TinyJob.Create());
        Assert.Equal((await TrainAsync(1, TinyJob.Create(), new TrainingOptions())).Result.Digest, between.Digest);
        Assert.False(run.Completion.IsCompleted);
        await run.ResumeAsync();

        Same((await Uninterrupted.Value).Result, await run.Completion);
        await Task.WhenAll(run.PauseAsync(), run.ResumeAsync(), run.StopAsync(), run.CancelAsync());
    }

    [Fact]
    public async Task A_paused_job_can_be_stopped_and_cancelled()
    {
        // Too long to end by itself before the pause is heard.
        var job = Job with { Epochs = 100_000 };
        await using var host = await StartAsync(2);
        var run = await host.Training.SubmitAsync(job, Saved);
        await run.PauseAsync();
        long step = (await run.StopAsync())!.Value;
        var resumed = await host.Training.SubmitAsync(job, Saved);
        Assert.Equal(step, resumed.Facts.FirstStep);
        await resumed.PauseAsync();
        await resumed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resumed.Completion);
    }

    [Fact]
    public async Task Pausing_and_resuming_without_end_changes_nothing()
    {
        await using var host = await StartAsync(3);
        var run = await host.Training.SubmitAsync(Job);
        while (!run.Completion.IsCompleted)
        {
            var pause = run.PauseAsync();
            if (run.Facts.Samples % 2 == 0)
                await pause;
            await run.ResumeAsync();
        }

        Same((await Uninterrupted.Value).Result, await run.Completion);
    }

    private static (double, double?, TestFigures?) Figures(TrainingProgress step) => (step.Loss, step.Accuracy, step.Test);

    private static void Same(TrainingResult expected, TrainingResult result)
    {
        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.Equal(
            expected.Model.Statistics.Values.Select(t => Convert.ToHexString(t.Data.Span)), result.Model.Statistics.Values.Select(t => Convert.ToHexString(t.Data.Span)));
    }

    private string[] Files() => [.. Directory.EnumerateFiles(folder["saved"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static Task<TestHost> StartAsync(int devices) => TestHost.StartAsync($"cpu={devices}", singa => singa.WithBackends(_ => new ReferenceBackend()));

    private static async Task<(TrainingResult Result, List<TrainingProgress> Progress)> TrainAsync(int devices, TrainingJob job, TrainingOptions options)
    {
        await using var host = await StartAsync(devices);
        return await host.TrainAsync(job, options);
    }
}
