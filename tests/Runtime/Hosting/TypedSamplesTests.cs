using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>Samples that are no floats and labels that are no classes, through a real host.</summary>
public sealed class TypedSamplesTests
{
    [Fact]
    public async Task A_number_is_learnt_and_predicted()
    {
        var inputs = Enumerable.Range(0, 200).Select(i => i * 7919 % 200 / 100f - 1).ToArray();
        var labels = inputs.Chunk(2).Select(x => 2 * x[0] - x[1] + 0.5f).ToArray();
        await using var host = await StartAsync();

        var (result, progress) = await host.TrainAsync(new TrainingJob
        {
            Model = new Linear(1), Loss = new MeanSquaredError(), Optimizer = new Sgd { LearningRate = 0.2 }, BatchSize = 20, Epochs = 20,
            Data = new InMemoryData { Sample = Shape.Of(2), TrainInputs = inputs, TrainLabels = labels, TestInputs = inputs, TestLabels = labels },
        });

        Assert.InRange(result.TestLoss!.Value, 0, 1e-4);
        Assert.Null(result.TestAccuracy);
        Assert.Null(progress[0].Accuracy);
        using var model = result.Model;
        Assert.Equal(2 * 0.25f - 0.75f + 0.5f, model.Run([0.25f, 0.75f])[0], 0.05);
        Assert.Throws<ArgumentException>(() => model.Run([1, 2]));
        Assert.Throws<InvalidOperationException>(() => model.Classify([1f, 2]));
    }

    [Fact]
    public async Task Tokens_are_answered_at_each_position()
    {
        const int length = 8, tokens = 7;
        var inputs = Enumerable.Range(0, 40 * length).Select(i => i * 31 % 101 % tokens).ToArray();
        var labels = inputs.Select(t => (3 * t + 1) % tokens).ToArray();
        await using var host = await StartAsync();

        var (result, _) = await host.TrainAsync(new TrainingJob
        {
            Model = new Sequential(new Embedding(tokens, 16), new Linear(tokens)), Loss = new SoftmaxCrossEntropy(),
            Optimizer = new Adam { LearningRate = 0.05 }, BatchSize = 10, Epochs = 15,
            Data = new InMemoryData { Sample = Shape.Of(length), Label = Shape.Of(length), Classes = tokens, TrainInputs = inputs, TrainLabels = labels },
        });

        using var model = result.Model;
        Assert.Equal(labels[..(2 * length)], model.Classify(inputs.AsSpan(0, 2 * length)));
        Assert.Equal(length * tokens, model.Run(inputs.AsSpan(0, length)).Length);
        Assert.Throws<ArgumentException>(() => model.Run(inputs.AsSpan(1, length + 1)));
    }

    private static Task<TestHost> StartAsync() => TestHost.StartAsync("cpu=2", singa => singa.WithBackends(_ => new ReferenceBackend()));
}
