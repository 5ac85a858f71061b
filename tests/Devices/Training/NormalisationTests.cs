using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

public sealed class NormalisationTests
{
    [Fact]
    public void Running_statistics_keep_the_momentum_and_take_the_rest_from_the_batch()
    {
        var model = new Sequential(new BatchNorm { Momentum = 0.75, Name = "norm" }, new Flatten(), new Linear(2) { Name = "fc" });
        var job = new TrainingDefinition(model, new SoftmaxCrossEntropy(), new Sgd(), new TensorType(DType.Float32, Shape.Of(1, 2)),
            new TensorType(DType.Int32, Shape.Scalar), 2, 2, 1, 10);
        using var run = new TrainingRun(job, 4);
        // Two shards of two samples: means 2.5 and 6.5, unbiased variances 5/3 each.
        run.Step(0, [1f, 2, 3, 4, 5, 6, 7, 8], new[] { 0, 1, 0, 1 });
        Assert.Equal(0.25f * 4.5f, run.Read("norm.mean")[0], 1e-5f);
        Assert.Equal(0.75f + 0.25f * 5f / 3, run.Read("norm.variance")[0], 1e-5f);
    }

    [Fact]
    public void Dropout_scales_what_it_keeps_and_draws_afresh_for_each_step_and_shard()
    {
        var shape = Shape.Of(4, 1000);
        Tensor Mask(int step) => new Dropout(0.25).Apply(Fill.Create(DType.Float64, shape, 1),
            new ModuleContext(new ModuleRequests(), DType.Float64, Seed: 1, Step: Constant.Create<int>([step], Shape.Scalar)));
        using var backend = new ReferenceBackend();
        double[] Values(params Tensor[] outputs)
        {
            using var runner = new GraphRunner(backend, [], outputs);
            return [.. runner.Run()[0]];
        }

        var (first, second) = (Values(Mask(0)), Values(Mask(1)));
        Assert.All(first, v => Assert.True(v == 0 || Math.Abs(v - 4.0 / 3) < 1e-12));
        Assert.InRange(first.Count(v => v == 0) / 4000.0, 0.22, 0.28);
        Assert.NotEqual(first, second);
        Assert.Equal(first, Values(Mask(0)));
        var shards = ShardAxis.Expand([Mask(0)], new Dictionary<Tensor, Tensor>(), new ShardRange(0, 2))[0];
        var both = Values(shards);
        Assert.NotEqual(both[..4000], both[4000..]);
        // A shard draws the same whoever computes it.
        Assert.Equal(both[4000..], Values(ShardAxis.Expand([Mask(0)], new Dictionary<Tensor, Tensor>(), new ShardRange(1, 1))[0]));
    }

    [Theory]
    [InlineData("resnet18", 1)]
    [InlineData("resnet18", 4)]
    [InlineData("resnet50", 2)]
    public void Residual_networks_take_finite_steps(string name, int shards)
    {
        var job = new TrainingDefinition(ModelCatalog.Create(name, Shape.Of(3, 16, 16), 10), new SoftmaxCrossEntropy(), new Sgd { LearningRate = 0.01, Momentum = 0.9 },
            new TensorType(DType.Float32, Shape.Of(3, 16, 16)), new TensorType(DType.Int32, Shape.Scalar), 10, shards, 1, 10);
        var plan = TrainingRun.Compile(job, 8);
        Assert.True(plan.Plan.ArenaBytes <= plan.Plan.LiveBytes * 1.05, $"{plan.Plan.ArenaBytes} for {plan.Plan.LiveBytes}");
        using var run = new TrainingRun(plan, shards, new CpuBackend(0, new CpuOptions { Threads = 2 }));
        var random = new System.Random(1);
        float[] samples = [.. Enumerable.Range(0, 8 * 3 * 16 * 16).Select(_ => random.NextSingle() - 0.5f)];
        var losses = run.Train(6, samples, Enumerable.Range(0, 8).ToArray());
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss)));
        Assert.True(losses[^1] < losses[0], string.Join(", ", losses));
    }
}
