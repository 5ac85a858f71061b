using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>Devices break one after the other at random moments, all but one: what is trained, tested and recorded shows no trace of it.</summary>
public sealed class RegroupTests
{
    private const int Devices = 4;

    private static readonly TrainingOptions Everything = new() { KeepLedger = true, EvaluateEachEpoch = true, DigestEvery = 3 };

    internal static readonly TrainingJob Job = TinyJob.Create() with
    {
        Model = new Sequential(new Linear(8) { Name = "in" }, new BatchNorm { Name = "norm" }, new Activation("Relu"), new Dropout(0.2), new Linear(3) { Name = "out" }),
        Optimizer = new Adam { LearningRate = 0.01 },
        Epochs = 30,
        Shards = 6,
        EvaluateEvery = 7,
        EarlyStopping = new EarlyStopping { Patience = 1000 },
    };

    private static readonly Lazy<Task<(TrainingResult Result, List<TrainingProgress> Steps)>> Whole = new(async () =>
    {
        await using var host = await TestHost.StartAsync("cpu=1", singa => singa.WithBackends(_ => new ReferenceBackend()));
        return await host.TrainAsync(Job, Everything);
    });

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Environment.GetEnvironmentVariable("SINGA_LONG") == "1" ? 200 : 6)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Nothing_shows_who_broke_when(int seed)
    {
        var (expected, steps) = await Whole.Value;
        var random = new Random(seed);
        int survivor = random.Next(Devices);
        var ends = Enumerable.Range(0, Devices).Select(_ => random.Next(30, 4000)).ToArray();
        await using var host = await TestHost.StartAsync($"cpu={Devices}", singa => singa.WithBackends(device => device.Index == survivor
            ? new ReferenceBackend()
            : new FailingBackend(new ReferenceBackend(), ends[device.Index], () => throw new InvalidOperationException($"{device.Name} is no more"))));

        var (result, progress) = await host.TrainAsync(Job, Everything);

        Assert.Equal((expected.Digest, expected.Test, expected.Steps, expected.TrainedSteps), (result.Digest, result.Test, result.Steps, result.TrainedSteps));
        Assert.Equal(steps.Select(s => (s.Step, s.Loss, s.Accuracy, s.Test, s.Digest)), progress.Select(s => (s.Step, s.Loss, s.Accuracy, s.Test, s.Digest)));
        Assert.Equal(Ledger(steps), Ledger(progress));
        Assert.NotEmpty(progress.SelectMany(p => p.Warnings));
    }

    /// <summary>Wherever in a step a device breaks: the others have done their part of it when the next generation begins, and nobody does that again.</summary>
    [Fact]
    public async Task What_the_others_have_computed_of_the_step_is_not_computed_again()
    {
        const int Launches = 200, Moments = 24;
        var job = Job with { Epochs = 2 };
        TrainingResult expected;
        await using (var host = await TestHost.StartAsync("cpu=1", singa => singa.WithBackends(_ => new ReferenceBackend())))
            expected = (await host.TrainAsync(job)).Result;
        int reused = 0, interrupted = 0;
        for (int moment = 0; moment < Moments; moment++)
        {
            await using var host = await TestHost.StartAsync("cpu=3", singa => singa.WithBackends(device => device.Index != moment % 3
                ? new ReferenceBackend()
                : new FailingBackend(new ReferenceBackend(), Launches + 3 * moment, () => throw new InvalidOperationException("it is no more"))));

            var (result, progress) = await host.TrainAsync(job);

            Assert.Equal(expected.Digest, result.Digest);
            foreach (var step in progress.Where(p => p.Shards.WasInterrupted))
            {
                interrupted++;
                reused += step.Shards.Reused > 0 ? 1 : 0;
                // What there was, and what the broken device was at, once; without what is kept all of it twice.
                Assert.True(step.Shards.Reused == 0 || step.Shards.Computed < 2 * step.Shards.Committed, $"{step.Shards}");
            }

            Assert.All(progress.Where(p => !p.Shards.WasInterrupted), p => Assert.Equal(new ShardCount(p.Shards.Committed, p.Shards.Committed, 0), p.Shards));
        }

        // Now and then nobody was in a step, or a round has used up what was brought.
        Assert.True(interrupted >= Moments / 2, $"{interrupted} of {Moments}");
        Assert.True(reused >= interrupted / 2, $"{reused} of {interrupted}");
    }

    private static IEnumerable<(long, int, string)> Ledger(List<TrainingProgress> progress) =>
        progress.SelectMany(p => p.Committed).Select(c => (c.Step, c.Shard, string.Join(' ', c.Samples)));
}
