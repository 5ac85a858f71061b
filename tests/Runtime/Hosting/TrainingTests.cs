using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>A small problem learnt through a real host, on the reference backend.</summary>
public sealed class TrainingTests
{
    [Fact]
    public async Task It_learns_and_the_model_answers()
    {
        await using var host = await StartAsync(2);

        var (result, progress) = await host.TrainAsync(TinyJob.Create() with { Epochs = 10 });

        Assert.True(progress[^1].Loss < progress[0].Loss / 4, $"{progress[0].Loss} only became {progress[^1].Loss}");
        Assert.InRange(result.TestAccuracy!.Value, 0.95, 1);
        Assert.Equal(result.Test, progress[^1].Test);
        using var model = result.Model;
        Assert.Equal(result.Digest, model.Digest);
        var (inputs, labels) = TinyJob.Draw(TinyJob.Test, seed: 2);
        var right = model.Classify(inputs).Zip(labels).Count(x => x.First == x.Second);
        Assert.Equal(result.TestAccuracy.Value, right / (double)labels.Length);
        Assert.Equal(model.Run(inputs)[..3], model.Run(inputs.AsSpan(0, 2)));
    }

    /// <summary>The promise that everything else is for: neither weights nor figures tell how many devices there were.</summary>
    [Fact]
    public async Task The_same_bits_whatever_the_number_of_devices()
    {
        var job = TinyJob.Create() with { Shards = 4, BatchSize = 30 };
        var options = new TrainingOptions { DigestEvery = 4, EvaluateEachEpoch = true };
        var (expected, steps) = await Train(1, job, options);
        Assert.Equal(3, steps.Count(p => p.Digest is not null));

        foreach (int devices in new[] { 2, 3, 4, 5 })
        {
            var (result, progress) = await Train(devices, job, options);
            Assert.Equal(expected.Digest, result.Digest);
            Assert.Equal(expected.Test, result.Test);
            Assert.Equal(steps.Select(p => (p.Loss, p.Accuracy, p.Digest, p.Test)), progress.Select(p => (p.Loss, p.Accuracy, p.Digest, p.Test)));
        }
    }

    [Fact]
    public async Task What_a_host_watches_changes_nothing()
    {
        var job = TinyJob.Create();
        var (plain, _) = await Train(2, job, new TrainingOptions());
        var (watched, steps) = await Train(2, job, new TrainingOptions { DigestEvery = 1, EvaluateEachEpoch = true, KeepLedger = true });

        Assert.Equal(plain.Digest, watched.Digest);
        Assert.Equal(plain.Digest, steps[^1].Digest);
        Assert.Equal(steps.Count, steps.Select(s => s.Digest).Distinct().Count());
    }

    [Fact]
    public async Task Another_seed_gives_another_digest()
    {
        var (first, _) = await Train(1, TinyJob.Create(), new TrainingOptions());
        var (second, _) = await Train(1, TinyJob.Create() with { Seed = 8 }, new TrainingOptions());

        Assert.NotEqual(first.Digest, second.Digest);
    }

    [Fact]
    public async Task Fewer_steps_are_the_beginning_of_more()
    {
        var (_, whole) = await Train(2, TinyJob.Create(), new TrainingOptions { DigestEvery = 5 });
        var (cut, _) = await Train(3, TinyJob.Create() with { MaxSteps = 5 }, new TrainingOptions());

        Assert.Equal(5, cut.Steps);
        Assert.Equal(whole[4].Digest, cut.Digest);
    }

    [Fact]
    public async Task Two_jobs_share_the_devices()
    {
        await using var host = await StartAsync(2);

        var results = await Task.WhenAll(host.TrainAsync(TinyJob.Create()), host.TrainAsync(TinyJob.Create()));

        Assert.Equal(results[0].Result.Digest, results[1].Result.Digest);
    }

    [Fact]
    public async Task A_loss_that_leaves_the_numbers_is_a_failure_with_advice()
    {
        await using var host = await StartAsync(2);
        var job = TinyJob.Create() with { Optimizer = new Sgd { LearningRate = 1e30 } };
        var run = await host.Training.SubmitAsync(job);

        var failure = await Assert.ThrowsAsync<TrainingFailedException>(() => run.Completion);

        Assert.Matches("^the loss is (not a number|infinite) at step [0-9]+, epoch [0-9]+; a learning rate below 1E\\+30 would help$", failure.Message);
    }

    [Fact]
    public async Task A_model_that_does_not_fit_its_data_is_refused_by_the_name_of_the_layer()
    {
        await using var host = await StartAsync(2);
        var job = TinyJob.Create() with { Model = new Sequential(new Conv2d(4, 5), new Linear(3)) };

        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(job));

        Assert.Contains("Conv2d", refusal.Message);
    }

    [Theory]
    [InlineData(0, 1, "batch-size")]
    [InlineData(32, 0, "epochs")]
    public async Task Nonsense_is_refused_by_its_key(int batch, int epochs, string key)
    {
        await using var host = await StartAsync(1);
        var job = TinyJob.Create() with { BatchSize = batch, Epochs = epochs };

        Assert.Contains(key, (await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(job))).Message);
    }

    [Fact]
    public async Task Data_that_is_not_there_is_refused_by_its_name()
    {
        await using var host = await StartAsync(1);
        var job = TinyJob.Create() with { Data = new IdxData { TrainImages = "nowhere.idx", TrainLabels = "nowhere.idx" } };

        Assert.Contains("nowhere.idx", (await Assert.ThrowsAsync<JobRefusedException>(() => host.Training.SubmitAsync(job))).Message);
    }

    [Fact]
    public async Task A_cancelled_job_ends_and_leaves_its_devices_free()
    {
        await using var host = await StartAsync(2);
        var run = await host.Training.SubmitAsync(TinyJob.Create() with { Epochs = 1_000_000 });
        await foreach (var step in run.Progress)
        {
            if (step.Step == 3)
                break;
        }

        await run.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        await run.CancelAsync();
        var (after, _) = await host.TrainAsync(TinyJob.Create());
        Assert.Equal((await Train(1, TinyJob.Create(), new TrainingOptions())).Result.Digest, after.Digest);
    }

    [Fact]
    public async Task A_job_withdrawn_while_it_is_being_accepted_never_was()
    {
        await using var host = await StartAsync(1);
        using var withdrawn = new CancellationTokenSource();
        withdrawn.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Training.SubmitAsync(TinyJob.Create(), null, withdrawn.Token));
    }

    private static Task<TestHost> StartAsync(int devices) =>
        TestHost.StartAsync($"cpu={devices}", singa => singa.WithBackends(_ => new ReferenceBackend()));

    private static async Task<(TrainingResult Result, List<TrainingProgress> Progress)> Train(int devices, TrainingJob job, TrainingOptions options)
    {
        await using var host = await StartAsync(devices);
        return await host.TrainAsync(job, options);
    }
}
