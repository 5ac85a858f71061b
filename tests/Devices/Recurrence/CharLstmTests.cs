using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Training;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Recurrence;

public sealed class CharLstmTests
{
    private const int Vocabulary = 5;

    private static TrainingDefinition Job(int time, int shards, string model = "hidden=8") => new(
        ModelCatalog.Create("char-lstm", Shape.Of(time), Vocabulary, new ModelSettings(model.Split(' ').Select(s => s.Split('=')).Select(s => KeyValuePair.Create(s[0], s[1])))),
        new SoftmaxCrossEntropy(), new AdamW { LearningRate = 0.02, ClipNorm = 1 }, new TensorType(DType.Int32, Shape.Of(time)), new TensorType(DType.Int32, Shape.Of(time)),
        Vocabulary, shards, 1, 100);

    /// <summary>A token that only the one three steps before tells.</summary>
    [Fact]
    public void Learns_to_remember()
    {
        const int batch = 16, time = 9;
        var random = new System.Random(1);
        using var run = new TrainingRun(Job(time, 2, "hidden=24"), batch, new CpuBackend(0, new CpuOptions { Threads = 1 }));
        float loss = 0;
        for (int step = 0; step < 150; step++)
        {
            int[][] texts = [.. Enumerable.Range(0, batch).Select(_ => Enumerable.Range(0, 3).Select(_ => random.Next(Vocabulary)).ToArray())];
            int At(int text, int i) => texts[text][i % 3];
            loss = run.Step(step, [.. Positions().Select(p => At(p.Text, p.Time))], Positions().Select(p => At(p.Text, p.Time + 1)).ToArray()).Loss / batch;
        }

        // Two of nine tokens nobody can know.
        Assert.InRange(loss, 0.2, 2.0 / 9 * Math.Log(Vocabulary) + 0.15);

        static IEnumerable<(int Text, int Time)> Positions() => Enumerable.Range(0, batch).SelectMany(b => Enumerable.Range(0, time).Select(t => (b, t)));
    }

    [Theory]
    [InlineData("hidden=8")]
    [InlineData("hidden=6 layers=2 dropout=0.3")]
    public void Neither_shards_at_once_nor_the_backend_change_a_bit(string model)
    {
        var job = Job(6, 8, model);
        var one = Weights(job, null);
        Assert.Equal(one, Weights(job with { ShardsAtOnce = 3 }, null));
        Assert.Equal(one, Weights(job with { ShardsAtOnce = 1 }, new CpuBackend(0, new CpuOptions { Threads = 1 })));
        Assert.Equal(one, Weights(job, new CpuBackend(0, new CpuOptions { Threads = 2 })));
        Assert.NotEqual(one, Weights(job with { Seed = 2 }, null));

        static string Weights(TrainingDefinition job, IBackend? backend)
        {
            using var run = new TrainingRun(job, 13, backend);
            int[] tokens = [.. Enumerable.Range(0, 13 * 6).Select(i => i * i % 7 % Vocabulary)];
            for (int step = 0; step < 2; step++)
                run.Step(step, tokens, tokens.Reverse().ToArray());
            return run.Digest();
        }
    }

    /// <summary>A step is a product and a pass each way; nothing else grows with time.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 2)]
    public void A_step_is_one_product_and_one_pass_each_way(int shards, int layers)
    {
        var (five, six) = (Kernels(5), Kernels(6));
        Assert.Equal(2 * layers, six.Count(k => k is ContractKernel) - five.Count(k => k is ContractKernel));
        Assert.Equal(2 * layers, six.Count(k => k is MapKernel) - five.Count(k => k is MapKernel));
        Assert.Equal(4 * layers, six.Count - five.Count);
        Assert.True(six.Where(k => k is ContractKernel { Tree.Length: > 0 }).Count() >= 1 + layers);

        List<Kernel> Kernels(int time)
        {
            var plan = TrainingRun.Compile(Job(time, shards, $"hidden=8 layers={layers}"), 8).Plan;
            Assert.True(plan.ArenaBytes <= plan.LiveBytes * 1.05, $"{plan.ArenaBytes} for {plan.LiveBytes}");
            return [.. plan["gradients/0"].Kernels];
        }
    }
}
