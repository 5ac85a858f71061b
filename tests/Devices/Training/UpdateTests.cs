using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>What happens to gradients between the exchange and the optimizer, and to parameters that have none.</summary>
public sealed class UpdateTests
{
    private const int Batch = 6;

    private static readonly string[] Names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];

    private static readonly Module Model = new Sequential(new Linear(5) { Name = "fc1" }, new Activation("Relu"), new Linear(3) { Name = "fc2" });

    private static readonly float[] Samples = [.. Enumerable.Range(0, Batch * 4).Select(i => Philox.ToUnitFloat(Philox.Block(3, (ulong)i, 0).W0) * 4 - 2)];

    private static readonly int[] Labels = [.. Enumerable.Range(0, Batch).Select(i => i % 3)];

    // With a rate of 1 and nothing else a step takes off the gradient itself.
    private static readonly Sgd Plain = new() { LearningRate = 1 };

    private static TrainingDefinition Job(Optimizer optimizer, int shards = 1) => new(Model, new SoftmaxCrossEntropy(), optimizer,
        new TensorType(DType.Float32, Shape.Of(4)), new TensorType(DType.Int32, Shape.Scalar), 3, shards, 1, 40);

    [Fact]
    public void Elements_are_held_within_the_value()
    {
        var expected = Moves(Job(Plain)).Select(g => g.Select(x => Math.Clamp(x, -0.05f, 0.05f)).ToArray()).ToArray();
        Assert.Contains(0.05f, expected.SelectMany(g => g));
        Close(expected, Moves(Job(Plain with { ClipValue = 0.05 })));
    }

    [Fact]
    public void All_gradients_are_shortened_by_one_factor()
    {
        var plain = Moves(Job(Plain));
        double norm = Math.Sqrt(plain.SelectMany(g => g).Sum(x => (double)x * x));
        Assert.True(norm > 0.3);
        Close([.. plain.Select(g => g.Select(x => (float)(x * 0.3 / (norm + 1e-6))).ToArray())], Moves(Job(Plain with { ClipNorm = 0.3 })));
    }

    [Fact]
    public void A_norm_within_the_bound_changes_nothing() => Assert.Equal(Moves(Job(Plain)), Moves(Job(Plain with { ClipNorm = 1e6 })));

    [Fact]
    public void Values_are_clipped_before_the_norm()
    {
        var held = Moves(Job(Plain with { ClipValue = 0.05 }));
        double norm = Math.Sqrt(held.SelectMany(g => g).Sum(x => (double)x * x));
        Close([.. held.Select(g => g.Select(x => (float)(x * 0.02 / (norm + 1e-6))).ToArray())], Moves(Job(Plain with { ClipValue = 0.05, ClipNorm = 0.02 })));
    }

    [Fact]
    public void What_matches_a_pattern_does_not_decay()
    {
        var plain = Moves(Job(new AdamW { LearningRate = 0.01, WeightDecay = 0 }));
        var decayed = Moves(Job(new AdamW { LearningRate = 0.01, WeightDecay = 0.5, NoDecay = ["*.bias", "fc2"] }));
        for (int i = 0; i < Names.Length; i++)
            Assert.Equal(Names[i] != "fc1.weight", plain[i].SequenceEqual(decayed[i]));
    }

    [Theory]
    [InlineData("fc1", "fc2.weight", "fc2.bias")]
    [InlineData("*.bias", "fc1.weight", "fc2.weight")]
    [InlineData("fc2.weight", "fc1.weight", "fc1.bias", "fc2.bias")]
    public void Frozen_parameters_stay_and_take_no_space(string pattern, params string[] trained)
    {
        var job = Job(new Adam()) with { Frozen = [pattern] };
        using var run = new TrainingRun(job, Batch);
        using var whole = new TrainingRun(job with { Frozen = [] }, Batch);
        Assert.Equal(Names.Order(), run.Training.Variables.Where(v => v.Kind == VariableKind.Parameter).Select(v => v.Name).Order());
        Assert.Equal(trained.SelectMany(t => new[] { $"{t}/first-moment", $"{t}/second-moment" }).Order(),
            run.Training.Variables.Where(v => v.Kind == VariableKind.OptimizerState).Select(v => v.Name).Order());
        Assert.True(run.Training.Buckets[0].Elements < whole.Training.Buckets[0].Elements);
        var before = Names.Select(run.Read).ToArray();
        run.Step(0, Samples, Labels);
        run.Step(1, Samples, Labels);
        for (int i = 0; i < Names.Length; i++)
            Assert.Equal(!trained.Contains(Names[i]), before[i].SequenceEqual(run.Read(Names[i])));
    }

    [Fact]
    public void Frozen_parameters_have_no_gradient_computed()
    {
        using var run = new TrainingRun(Job(Plain) with { Frozen = ["fc1"] }, Batch);
        using var whole = new TrainingRun(Job(Plain), Batch);
        Assert.Equal(3, run.Training.Plan["gradients/0"].Operations.Count(o => o.Kernel is ContractKernel));
        Assert.Equal(5, whole.Training.Plan["gradients/0"].Operations.Count(o => o.Kernel is ContractKernel));
    }

    [Theory]
    [InlineData("fc3", "no parameter matches 'fc3', which is to be frozen; there are fc1.weight, fc1.bias, fc2.weight, fc2.bias")]
    [InlineData("fc?", "every parameter is frozen: there is nothing to train")]
    public void A_pattern_that_means_nothing_or_all_is_refused(string pattern, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<GraphException>(() => new TrainingRun(Job(Plain) with { Frozen = [pattern] }, Batch)).Message);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    public void A_parameter_is_updated_in_one_pass_and_its_norm_taken_in_another(double clip, int kernels)
    {
        using var run = new TrainingRun(Job(new AdamW { ClipNorm = clip, NoDecay = ["*.bias"], Schedule = new WarmUpSchedule(3, new CosineSchedule()) }), Batch);
        var update = run.Training.Plan["update"].Kernels.ToArray();
        int weight = run.Training.Variables.Single(v => v.Name == "fc1.weight").Block;
        Assert.Equal(kernels, update.Count(k => k is MapKernel or ReduceKernel && k.Inputs.Any(i => i.Shape.Count == 20)));
        Assert.Equal(3, Assert.IsType<MapKernel>(Assert.Single(update, k => k.Outputs.Any(o => o.Block == weight))).Targets.Length);
    }

    [Fact]
    public void Training_with_all_of_it_does_not_depend_on_shards_beyond_rounding()
    {
        var optimizer = new AdamW { LearningRate = 0.01, WeightDecay = 0.1, NoDecay = ["*.bias"], ClipNorm = 0.5, Schedule = new WarmUpSchedule(3, new CosineSchedule { To = 0.1 }) };
        var results = new[] { 1, 2, 3, 5 }.Select(shards =>
        {
            using var run = new TrainingRun(Job(optimizer, shards) with { Loss = new SoftmaxCrossEntropy { LabelSmoothing = 0.1 } }, Batch);
            for (int step = 0; step < 10; step++)
                run.Step(step, Samples, Labels);
            return Names.SelectMany(run.Read).ToArray();
        }).ToArray();
        Assert.All(results.Skip(1), r => Assert.All(r.Zip(results[0]), p => Assert.Equal(p.Second, p.First, 1e-4f)));
    }

    [Fact]
    public void An_autoencoder_is_measured_against_its_input()
    {
        var model = new Sequential(new Linear(3) { Name = "down" }, new Linear(4) { Name = "up" });
        var job = Job(new Adam { LearningRate = 0.05 }) with { Model = model, Loss = new MeanSquaredError { ReconstructsInput = true } };
        using var run = new TrainingRun(job, Batch);
        var losses = Enumerable.Range(0, 60).Select(step => run.Step(step, Samples, Labels).Loss).ToArray();
        Assert.True(losses[^1] < losses[0] * 0.3, $"from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void Labels_may_be_numbers_to_be_met()
    {
        var job = Job(new RmsProp { LearningRate = 0.01 }) with { Loss = new Huber(), Label = new TensorType(DType.Float32, Shape.Of(3)) };
        using var run = new TrainingRun(job, Batch);
        var targets = Enumerable.Range(0, Batch * 3).Select(i => i % 5 * 0.5f).ToArray();
        var losses = Enumerable.Range(0, 80).Select(step => run.Step(step, Samples, targets).Loss).ToArray();
        Assert.True(losses[^1] < losses[0] * 0.3, $"from {losses[0]} to {losses[^1]}");
    }

    /// <summary>What the first step took off each parameter.</summary>
    private static float[][] Moves(TrainingDefinition job)
    {
        using var run = new TrainingRun(job, Batch);
        var before = Names.Select(run.Read).ToArray();
        run.Step(0, Samples, Labels);
        return [.. Names.Select((name, i) => before[i].Zip(run.Read(name), (b, a) => b - a).ToArray())];
    }

    private static void Close(float[][] expected, float[][] actual) =>
        Assert.All(expected.SelectMany(g => g).Zip(actual.SelectMany(g => g)), p => Assert.Equal(p.First, p.Second, 2e-6f));
}
