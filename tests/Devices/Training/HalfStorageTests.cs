using Singa.Actors.Devices.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

public sealed class HalfStorageTests
{
    private const int Classes = 5, Batch = 16, Steps = 3;

    private static readonly TensorType Image = new(DType.Float32, Shape.Of(3, 8, 8)), Tokens = new(DType.Int32, Shape.Of(20)), Class = new(DType.Int32, Shape.Scalar);

    /// <summary>Convolutions of all kinds, norms, a residual, pooling.</summary>
    private static readonly Module Convolutions = new Sequential(
        new Conv2d(32, 3) { Padding = 1, Bias = false }, new BatchNorm(), new Activation("Relu"),
        new Residual(new Sequential(new Conv2d(32, 3) { Padding = 1 }, new BatchNorm()), new Conv2d(32, 1)), new Activation("Relu"),
        new Conv2d(8, 3) { Stride = 2, Groups = 4 }, new MaxPool2d(2), new Dropout(0.1), new Flatten(), new Linear(Classes));

    private static TrainingDefinition Job(string name, int shards) => name switch
    {
        "convolutions" => new(Convolutions, new SoftmaxCrossEntropy(), new Sgd { LearningRate = 0.05, Momentum = 0.9 }, Image, Class, Classes, shards, 1, 20),
        "gpt-mini" => new(ModelCatalog.Create(name, Tokens.Shape, Classes, new ModelSettings([new("layers", "2"), new("width", "32"), new("heads", "2")])),
            new SoftmaxCrossEntropy(), new AdamW { LearningRate = 0.01, WeightDecay = 0.01, ClipNorm = 1 }, Tokens, Tokens, Classes, shards, 1, 20),
        _ => new(ModelCatalog.Create(name, Tokens.Shape, Classes, new ModelSettings([new("hidden", "24")])), new SoftmaxCrossEntropy(), new RmsProp { LearningRate = 0.003 },
            Tokens, Tokens, Classes, shards, 1, 20),
    };

    /// <summary>Every width, any number of threads, shards at once or one after the other, much memory or little: the same bits.</summary>
    [Theory]
    [InlineData("convolutions")]
    [InlineData("gpt-mini")]
    [InlineData("char-lstm")]
    public void Bits_do_not_depend_on_who_computes_them(string name)
    {
        var job = Job(name, 8) with { IsHalfStored = true };
        var digests = new Dictionary<string, string>();
        foreach (var width in VectorWidths.Available)
            digests[$"{width}"] = Train(Compile(job), new CpuOptions { Width = width, Threads = 1 });
        digests["three threads"] = Train(Compile(job), new CpuOptions { Threads = 3, WorkPerPart = 100 });
        digests["in turn"] = Train(Compile(job with { ShardsAtOnce = 1 }), new CpuOptions { Threads = 1 });
        digests["two at once"] = Train(Compile(job with { ShardsAtOnce = 2 }), new CpuOptions { Threads = 2 });
        var all = new ShardRange(0, 8);
        digests["little memory"] = Train(MemoryBudget.Compile(job, all, [BatchLayout.Of(Batch, 8, all)], [], [], 1, _ => 0), new CpuOptions { Threads = 1 });
        Assert.Single(digests.Values.Distinct());
    }

    /// <summary>The definition, in plain loops.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Bits_are_those_of_the_reference(int shards)
    {
        var job = Job("gpt-mini", shards) with { IsHalfStored = true };
        var plan = TrainingRun.Compile(job, 4);
        Assert.Equal(Train(plan, shards, null, 1).Digest, Train(plan, shards, new CpuBackend(0, new CpuOptions { Threads = 2 }), 1).Digest);
    }

    [Theory]
    [InlineData("convolutions", 0.03)]
    [InlineData("gpt-mini", 0.03)]
    [InlineData("char-lstm", 0.03)]
    public void Loss_follows_that_of_float32(string name, double bound)
    {
        var job = Job(name, 2);
        const int steps = 30;
        var whole = Train(Compile(job), 2, new CpuBackend(0, new CpuOptions { Threads = 2 }), steps).Losses;
        var half = Train(Compile(job with { IsHalfStored = true }), 2, new CpuBackend(0, new CpuOptions { Threads = 2 }), steps).Losses;
        Assert.True(whole[^1] < 0.8 * whole[0], $"from {whole[0]} to {whole[^1]}");
        Assert.NotEqual(whole, half);
        for (int step = 0; step < steps; step++)
            Assert.InRange(half[step], whole[step] - bound * whole[0], whole[step] + bound * whole[0]);
    }

    [Theory]
    [InlineData("resnet18", 0.65)]
    [InlineData("gpt-mini", 0.65)]
    public void A_plan_takes_less_memory(string name, double share)
    {
        bool tokens = name == "gpt-mini";
        var sample = tokens ? new TensorType(DType.Int32, Shape.Of(128)) : new TensorType(DType.Float32, Shape.Of(3, 32, 32));
        int batch = tokens ? 8 : 32, classes = tokens ? 96 : 10;
        var job = new TrainingDefinition(ModelCatalog.Create(name, sample.Shape, classes), new SoftmaxCrossEntropy(), tokens ? new AdamW() : new Sgd { Momentum = 0.9 },
            sample, tokens ? sample : Class, classes, 1, 1, 100);
        long whole = TrainingRun.Compile(job, batch).Plan.ArenaBytes, half = TrainingRun.Compile(job with { IsHalfStored = true }, batch).Plan.ArenaBytes;
        Assert.True(half <= share * whole, $"{half} against {whole}: {(double)half / whole:0.000}");
    }

    private static TrainingPlan Compile(TrainingDefinition job) => TrainingRun.Compile(job, Batch);

    private static string Train(TrainingPlan plan, CpuOptions options) => Train(plan, 8, new CpuBackend(0, options), Steps).Digest;

    private static (string Digest, float[] Losses) Train(TrainingPlan plan, int shards, IBackend? backend, int steps)
    {
        using var run = new TrainingRun(plan, shards, backend);
        var slots = plan.Plan["gradients/0"].HostSlots;
        bool tokens = slots[0] == slots[1];
        int batch = plan.Layouts[0].Samples, each = checked((int)(slots[0] / sizeof(float) / batch));
        var labels = Enumerable.Range(0, checked((int)(slots[1] / sizeof(int)))).Select(i => tokens ? (i / each + (i % each + 1) * 2) % Classes : i % Classes).ToArray();
        var losses = tokens
            ? run.Train(steps, Enumerable.Range(0, each * batch).Select(i => (i / each + i % each * 2) % Classes).ToArray(), labels)
            : run.Train(steps, Enumerable.Range(0, each * batch).Select(i => Philox.ToUnitFloat(Philox.Block(3, (ulong)i, 0).W0) + (i % each * Classes / each == labels[i / each] ? 1f : 0f)).ToArray(), labels);
        return (run.Digest(), losses);
    }
}
