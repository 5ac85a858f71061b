using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>What is trained was written down and read back; nobody can tell from the weights.</summary>
public sealed class JourneyTests
{
    private static readonly DigitsData Digits = new() { Train = 37, Test = 20 };

    private static TrainingJob Job(Module model, DataSpec? data = null) => new()
    {
        Name = "journey", Model = model, Data = data ?? Digits, Loss = new SoftmaxCrossEntropy(),
        Optimizer = new Sgd { LearningRate = 0.02, Momentum = 0.9 }, BatchSize = 13, Shards = 3, MaxSteps = 5, Epochs = 4, Seed = 11, EvaluateEvery = 2,
    };

    public static TheoryData<string, TrainingJob> Jobs() => new()
    {
        { "mlp", Job(ModelCatalog.Mlp(10)) },
        { "lenet", Job(ModelCatalog.LeNet(10)) },
        { "autoencoder", Job(ModelCatalog.Create("autoencoder", Shape.Of(1, 28, 28), 10)) with { Loss = new MeanSquaredError { ReconstructsInput = true } } },
        { "resnet18", Job(ModelCatalog.Create("resnet18", Shape.Of(1, 28, 28), 10)) with { MaxSteps = 1, BatchSize = 3, EvaluateEvery = 0, Data = new DigitsData { Train = 6, Test = 0 } } },
        {
            "norms, dropout, clipping, AdamW, frozen, weight decay",
            Job(new Sequential(
                new Conv2d(6, 5) { Name = "conv", Bias = false }, new BatchNorm { Name = "norm", Momentum = 0.77 }, new Activation("Relu"), new MaxPool2d(2),
                new Flatten(), new Dropout(0.3), new Linear(20) { Name = "fc1" }, new LayerNorm { Name = "layer" }, new Activation("Gelu"), new Linear(10) { Name = "fc2" }))
                with
                {
                    Optimizer = new AdamW { LearningRate = 0.002, WeightDecay = 0.013, NoDecay = ["*.bias", "norm"], ClipNorm = 0.5, Schedule = new WarmUpSchedule(2, new CosineSchedule { To = 0.1 }) },
                    Frozen = ["conv"],
                }
        },
        {
            "every layer of images",
            Job(new Sequential(
                new Conv2d(6, 3) { Padding = 2, Dilation = 2, Stride = 2 }, new LeakyRelu(0.03), new AveragePool2d(3) { Stride = 2, Padding = 1 }, new GroupNorm(3), new PRelu(true),
                new SeparableConv2d(8, 3) { Padding = 1 }, new Elu(0.7), new AveragePool2d(2) { CountPadding = true }, new HardSigmoid(), new BatchNorm(), new Activation("Silu"),
                new Residual(new Conv2d(8, 1)), new GlobalAveragePool(), new Flatten(), new RmsNorm(), new PRelu(), new Clip(-0.9, 1.1), new Linear(10) { Initialiser = new Normal(0.1) }))
                with { Optimizer = new RmsProp { Centered = true, Momentum = 0.3 }, Loss = new SoftmaxCrossEntropy { LabelSmoothing = 0.1 } }
        },
        {
            "one dimension",
            Job(new Sequential(new Rows(), new Conv1d(7, 3) { Stride = 2 }, new MaxPool1d(2), new Activation("Tanh"), new AveragePool1d(3), new Flatten(), new Softmax(), new Linear(10)))
                with { Optimizer = new Adam(), Loss = new SoftmaxCrossEntropy() }
        },
        {
            "code of one's own",
            Job(new Sequential(new Flatten(), new Linear(12), new Own { Name = "own" }, new Linear(10))) with { Optimizer = new AdaGrad { RateDecay = 0.1 } }
        },
        { "a single sample a shard", Job(new Sequential(new Flatten(), new Linear(4), new BatchNorm(), new Linear(10))) with { BatchSize = 4 } },
        { "float64", Job(new Sequential(new Flatten(), new Doubled(), new Linear(10))) },
        { "arrays of the host", TinyJob.Create() with { EarlyStopping = new EarlyStopping { Patience = 1, MinDelta = 0.01 }, EvaluateEvery = 3 } },
        { "bytes of the host", Job(new Sequential(new Scaled(), new Linear(3)), new InMemoryData
            {
                Sample = Shape.Of(2), Classes = 3, TrainInputs = Enumerable.Range(0, 60).Select(i => (byte)(i * 37)).ToArray(), TrainLabels = Enumerable.Range(0, 30).Select(i => i % 3).ToArray(),
            }) with { EvaluateEvery = 0 } },
    };

    [Theory]
    [MemberData(nameof(Jobs))]
    public async Task A_job_that_was_written_down_trains_to_the_same_bits(string what, TrainingJob job)
    {
        _ = what;
        await using var host = await TestHost.StartAsync("cpu=2");

        var (direct, steps) = await host.TrainAsync(job, new TrainingOptions { Directly = true });
        var (journeyed, others) = await host.TrainAsync(job);

        Assert.Equal(direct.Digest, journeyed.Digest);
        Assert.Equal(steps.Select(s => s.Loss), others.Select(s => s.Loss));
        Assert.Equal(direct.Test, journeyed.Test);
        Assert.Equal(direct.Model.Statistics.Values.Select(s => (s.Name, Convert.ToHexString(s.Data.Span))), journeyed.Model.Statistics.Values.Select(s => (s.Name, Convert.ToHexString(s.Data.Span))));
    }

    [Theory]
    [InlineData("char-lstm", "hidden=9 layers=2 dropout=0.2")]
    [InlineData("gpt-mini", "layers=2 width=24 heads=3 dropout=0.1")]
    public async Task A_model_of_texts_that_was_written_down_trains_to_the_same_bits(string model, string settings)
    {
        using var folder = new TemporaryFolder();
        var data = new TextData { Path = folder.Write("t", [.. Enumerable.Range(0, 3600).Select(i => (byte)('a' + i * i % 13 % 9))]), Length = 21 };
        var read = new ModelSettings(settings.Split(' ').Select(s => s.Split('=')).Select(p => KeyValuePair.Create(p[0], p[1])));
        var job = Job(ModelCatalog.Create(model, Shape.Of(21), 4, read), data) with { Optimizer = new AdamW { LearningRate = 0.003, ClipNorm = 1, ClipValue = 0.3 } };

        await A_job_that_was_written_down_trains_to_the_same_bits(model, job);
    }

    [Fact]
    public async Task Recurrent_layers_both_ways_and_turned_positions_travel()
    {
        var data = new InMemoryData
        {
            Sample = Shape.Of(5, 4), Classes = 3, TrainInputs = Enumerable.Range(0, 20 * 20).Select(i => (i * 17 % 23 - 11) / 7f).ToArray(),
            TrainLabels = Enumerable.Range(0, 20).Select(i => i % 3).ToArray(),
        };
        var model = new Sequential(
            new Gru(6) { Bidirectional = true }, new SinusoidalPositions(), new TransformerBlock(3) { Causal = true, Rotary = true, PreNorm = false, Dropout = 0.1, Activation = "GeluTanh" },
            new MultiHeadAttention(4) { KeyValueHeads = 2 }, new Rnn(5, "Relu") { Sequences = false }, new Linear(3));
        await A_job_that_was_written_down_trains_to_the_same_bits("recurrent", Job(model, data) with { EvaluateEvery = 0 });
    }

    /// <summary>[n, 1, h, w] as [n, h, w].</summary>
    private sealed record Rows : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context) => input.Reshape(Shape.Of(input.Shape[0], input.Shape[2], input.Shape[3]));
    }

    /// <summary>Something that no catalog has: tied weights, a mean over the batch, a mask of chance, literals, constants, an initialiser of its own.</summary>
    private sealed record Own : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context)
        {
            long n = input.Shape[0], width = input.Shape[1];
            var weight = context.Parameter("weight", Shape.Of(width, width), new Fans(width, width), new Slanted(0.3));
            var there = input.MatMul(weight);
            var back = there.MatMul(weight.Transpose());
            var mean = back.Mean([0], keepAxes: true);
            var centred = back - mean * (1.0 / 3);
            if (context.Training)
                centred *= context.Random("noise", centred.Shape) + 0.5;
            var shares = Pointwise.Apply("Own", a => Fn.Select(a[0] > 0.1, a[0] * 1.7 - Fn.Log(1 + a[1] * a[1]), Fn.Atan(a[0]) / 3), centred, Tensor.From(Enumerable.Range(0, (int)width).Select(i => i / 7f).ToArray()));
            var repeated = shares.Reshape(Shape.Of(n, 2, width / 2)).Pad([(1, 2)]).Slice([0, 0, 1], [n, 2, width / 2], [1, 1, 1]);
            var added = repeated + Tensor.Zeros(n, 1, 1) + repeated.Sum(2).Reshape(Shape.Of(n, 2, 1)).BroadcastTo(Shape.Of(n, 2, width / 2));
            return added.Reshape(Shape.Of(n, width)) * (2.0 / n);
        }
    }

    private sealed record Slanted(double Slope) : Initialiser
    {
        public override Tensor Create(ulong seed, string name, TensorType type, Fans fans) => Uniform(seed, name, type, Slope) + 0.01;
    }

    private sealed record Doubled : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context) => (input.Convert(DType.Float64) * 0.1 + 0.3).Sqrt().Convert(DType.Float32);
    }

    private sealed record Scaled : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context) => input.Convert(DType.Float32) * (1.0 / 255);
    }
}
