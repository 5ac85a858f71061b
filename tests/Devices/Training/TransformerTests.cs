using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

public sealed class TransformerTests
{
    private const int Vocabulary = 11, Time = 70, Batch = 8;

    private static TrainingDefinition Job(int shards, double dropout = 0)
    {
        var settings = new ModelSettings([new("layers", "2"), new("width", "32"), new("heads", "2"), new("dropout", FormattableString.Invariant($"{dropout}"))]);
        var tokens = new TensorType(DType.Int32, Shape.Of(Time));
        return new TrainingDefinition(ModelCatalog.Create("gpt-mini", tokens.Shape, Vocabulary, settings), new SoftmaxCrossEntropy(),
            new AdamW { LearningRate = 0.01, WeightDecay = 0.01, ClipNorm = 1, Schedule = new WarmUpSchedule(2, new CosineSchedule { To = 0.1 }) }, tokens, tokens, Vocabulary, shards, 1, 20);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Nothing_is_copied_and_the_arena_is_close_to_what_is_alive(int shards)
    {
        var plan = TrainingRun.Compile(Job(shards), Batch, Batch).Plan;
        Assert.DoesNotContain(plan.Sections.Where(s => s.Name != "initialise").SelectMany(s => s.Operations), o => o.Name.Contains("copy"));
        Assert.True(plan.ArenaBytes <= plan.LiveBytes * 1.05, $"{plan.ArenaBytes} for {plan.LiveBytes}");
    }

    /// <summary>Text that repeats is learned, to the same bits whether shards are computed at once or one after the other.</summary>
    [Fact]
    public void Learns_what_comes_next_the_same_for_shards_at_once_and_in_turn()
    {
        var tokens = Enumerable.Range(0, Batch * (Time + 1)).Select(i => (i / (Time + 1) * 3 + i % (Time + 1) * (1 + i / (Time + 1) % 3)) % Vocabulary).ToArray();
        var (inputs, targets) = (Windows(tokens, 0), Windows(tokens, 1));
        var digests = new[] { 4, 1 }.Select(atOnce =>
        {
            using var run = new TrainingRun(Job(4, dropout: 0.1) with { ShardsAtOnce = atOnce }, Batch, new CpuBackend(0, new CpuOptions { Threads = 2 }));
            var losses = run.Train(20, inputs, targets);
            // The first loss is that of knowing nothing.
            Assert.InRange(losses[0], Math.Log(Vocabulary) - 0.1, Math.Log(Vocabulary) + 0.1);
            Assert.True(losses[^1] < 0.5 * losses[0], string.Join(", ", losses));
            Assert.True(run.Evaluate(inputs, targets)[0] / Batch < losses[^1]);
            return run.Digest();
        }).ToArray();
        Assert.Equal(digests[0], digests[1]);
    }

    private static int[] Windows(int[] tokens, int offset) => [.. Enumerable.Range(0, Batch).SelectMany(b => tokens.Skip(b * (Time + 1) + offset).Take(Time))];

    [Fact]
    public void What_is_no_sequence_of_tokens_is_refused() => Assert.Contains("sequences of tokens [time], not samples [3, 32, 32]",
        Assert.Throws<GraphException>(() => ModelCatalog.Create("gpt-mini", Shape.Of(3, 32, 32), 10)).Message);

    [Fact]
    public void An_autoencoder_gives_as_much_back_as_it_gets_through_a_code_that_holds_less()
    {
        var model = ModelCatalog.Create("autoencoder", Shape.Of(1, 28, 28), 10, new ModelSettings([new("layers", "2"), new("width", "64"), new("code", "8")]));
        var job = new TrainingDefinition(model, new MeanSquaredError { ReconstructsInput = true }, new Adam { LearningRate = 0.01 },
            new TensorType(DType.Float32, Shape.Of(1, 28, 28)), new TensorType(DType.Int32, Shape.Scalar), 10, 1, 1, 10);
        using var run = new TrainingRun(job, 4);
        Assert.Equal([[64L, 784], [32L, 64], [8L, 32], [32L, 8], [64L, 32], [784L, 64]],
            run.Training.Variables.Where(v => v.Kind == VariableKind.Parameter && v.Name.EndsWith("weight")).Select(v => v.Type.Shape.Dims.ToArray()));
        float[] samples = [.. Enumerable.Range(0, 4 * 784).Select(i => i / 784 == i % 4 ? 1f : 0f)];
        var losses = Enumerable.Range(0, 12).Select(step => run.Step(step, samples, new int[4]).Loss).ToArray();
        Assert.True(losses[^1] < 0.5 * losses[0], string.Join(", ", losses));
    }
}
