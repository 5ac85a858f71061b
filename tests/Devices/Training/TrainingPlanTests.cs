using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

public sealed class TrainingPlanTests
{
    private const int Classes = 3;

    private static readonly Module Model = new Sequential(
        new Conv2d(4, 3) { Padding = 1, Name = "conv" }, new Activation("Relu"), new MaxPool2d(2), new Flatten(), new Linear(Classes) { Name = "fc" });

    private static TrainingDefinition Job(int shards, Optimizer? optimizer = null) => new(Model, new SoftmaxCrossEntropy(),
        optimizer ?? new Sgd { LearningRate = 0.1, Momentum = 0.9, Schedule = new CosineSchedule() },
        new TensorType(DType.Float32, Shape.Of(1, 6, 6)), new TensorType(DType.Int32, Shape.Scalar), Classes, shards, 1, 40);

    [Theory]
    [InlineData(1, 12)]
    [InlineData(4, 12)]
    [InlineData(4, 13)]
    [InlineData(6, 3)]
    public void Loss_falls(int shards, int batch)
    {
        var layout = BatchLayout.Of(batch, shards, new ShardRange(0, shards));
        var plan = TrainingCompiler.Compile(Job(shards), new ShardRange(0, shards), [layout], [batch], [2]);
        using var run = new TrainingRun(plan, shards);
        var (samples, labels) = Data(batch);
        var losses = run.Train(40, samples, labels);
        Assert.InRange(losses[0], 0.7, 4);
        Assert.True(losses[^1] < losses[0] * 0.3, $"from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void The_gradient_of_a_batch_does_not_depend_on_shards_beyond_rounding()
    {
        var (samples, labels) = Data(11);
        var weights = new[] { 1, 2, 3, 5 }.Select(shards =>
        {
            using var run = new TrainingRun(Job(shards), 11);
            run.Step(0, samples, labels);
            return run.Read("conv.weight");
        }).ToArray();
        for (int i = 1; i < weights.Length; i++)
            Assert.All(weights[i].Zip(weights[0]), w => Assert.Equal(w.Second, w.First, 1e-5f));
    }

    [Fact]
    public void Shards_one_after_the_other_are_the_same_bits_in_less_memory()
    {
        var (samples, labels) = Data(96);
        var results = new[] { 8, 4, 3, 1 }.Select(atOnce =>
        {
            using var run = new TrainingRun(TrainingRun.Compile(Job(8) with { ShardsAtOnce = atOnce }, 96), 8);
            run.Train(3, samples, labels);
            return (Digest: run.Digest(), run.Training.Plan.ArenaBytes);
        }).ToArray();
        Assert.All(results, r => Assert.Equal(results[0].Digest, r.Digest));
        Assert.True(results[^1].ArenaBytes < results[0].ArenaBytes * 0.7, $"{results[^1].ArenaBytes} against {results[0].ArenaBytes}");
    }

    [Fact]
    public void Arena_is_close_to_what_is_alive()
    {
        var plan = TrainingRun.Compile(Job(8), 16, 16).Plan;
        Assert.True(plan.ArenaBytes <= plan.LiveBytes * 1.05, $"{plan.ArenaBytes} for {plan.LiveBytes}");
    }

    [Fact]
    public void A_shape_that_does_not_fit_names_the_layer()
    {
        var job = Job(1) with { Sample = new TensorType(DType.Float32, Shape.Of(6, 6)) };
        var error = Assert.Throws<GraphException>(() => TrainingRun.Compile(job, 4));
        Assert.Contains("conv", error.Message);
        Assert.Contains("[4, 6, 6]", error.Message);
    }

    private static (float[] Samples, int[] Labels) Data(int count)
    {
        var labels = Enumerable.Range(0, count).Select(i => i % Classes).ToArray();
        // Each class lights another stripe, under noise.
        var samples = Enumerable.Range(0, count * 36).Select(i =>
            Philox.ToUnitFloat(Philox.Block(3, (ulong)i, 0).W0) + (i % 6 / 2 == labels[i / 36] ? 1f : 0f)).ToArray();
        return (samples, labels);
    }
}
