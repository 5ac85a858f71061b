using Singa.Actors.Devices;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>A convolutional network on the processor: devices, threads and the number of rows at once leave no trace in the weights.</summary>
public sealed class DigestTests
{
    // Seven shards are no power of two, and neither 64 nor the last batch of 20 falls on them evenly.
    private static readonly TrainingJob LeNet = new()
    {
        Name = "digits",
        Model = ModelCatalog.Create("lenet", Shape.Of(1, 28, 28), 10),
        Data = new DigitsData { Train = 148, Test = 40 },
        Loss = new SoftmaxCrossEntropy(),
        Optimizer = new Sgd { LearningRate = 0.01, Momentum = 0.9, Schedule = new CosineSchedule() },
        BatchSize = 64,
        Epochs = 2,
        Shards = 7,
        Seed = 3,
    };

    private static readonly Lazy<Task<TrainingResult>> One = new(() => Train(LeNet, "cpu=1", 1));

    [Theory]
    [InlineData("cpu=1", 2)]
    [InlineData("cpu=2", 1)]
    [InlineData("cpu=2", 2)]
    [InlineData("cpu=3", 1)]
    [InlineData("cpu=4", 1)]
    [InlineData("cpu=8", 1)]
    public async Task Devices_and_threads_leave_no_trace(string devices, int threads)
    {
        var expected = await One.Value;

        var result = await Train(LeNet, devices, threads);

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.InRange(result.PeakBytes, 1, result.PlannedBytes);
    }

    /// <summary>Statistics of batches, masks of dropout, moments of Adam and the norm that clips are all of the job, not of a device.</summary>
    [Theory]
    [InlineData("cpu=2", 2)]
    [InlineData("cpu=3", 1)]
    public async Task Norms_dropout_and_clipping_leave_no_trace(string devices, int threads)
    {
        var job = LeNet with
        {
            Model = new Sequential(
                new Conv2d(6, 5) { Name = "conv", Bias = false }, new BatchNorm { Name = "norm" }, new Activation("Relu"), new MaxPool2d(2),
                new Flatten(), new Dropout(0.3), new Linear(20) { Name = "fc1" }, new LayerNorm { Name = "layer" }, new Activation("Gelu"), new Linear(10) { Name = "fc2" }),
            Optimizer = new AdamW { LearningRate = 0.002, WeightDecay = 0.01, ClipNorm = 0.5, Schedule = new WarmUpSchedule(2, new CosineSchedule { To = 0.1 }) },
        };

        var expected = await Train(job, "cpu=1", 1);
        var result = await Train(job, devices, threads);

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.Equal(
            expected.Model.Statistics.Values.Select(t => Convert.ToHexString(t.Data.Span)), result.Model.Statistics.Values.Select(t => Convert.ToHexString(t.Data.Span)));
    }

    /// <summary>Gradients travel as halves, and their sums along the tree are rounded to halves whoever adds them.</summary>
    [Theory]
    [InlineData("cpu=1", 2)]
    [InlineData("cpu=2", 1)]
    [InlineData("cpu=3", 2)]
    [InlineData("cpu=8", 1)]
    public async Task Storage_in_halves_leaves_no_trace(string devices, int threads)
    {
        var job = LeNet with { IsHalfStored = true, Optimizer = new AdamW { LearningRate = 0.002, ClipNorm = 0.5 } };

        var expected = await Train(job, "cpu=1", 1);
        var result = await Train(job, devices, threads);

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.All(result.Model.Parameters.Values, p => Assert.Equal(DType.Float32, p.Type.DType));
        Assert.NotEqual((await Train(job with { IsHalfStored = false }, "cpu=1", 1)).Digest, result.Digest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20_000)]
    [InlineData(1L << 30)]
    public async Task The_size_of_buckets_leaves_no_trace(long bytes)
    {
        var job = LeNet with { Optimizer = new AdamW { LearningRate = 0.002, ClipNorm = 0.5 } };
        Assert.Equal((await Train(job, "cpu=1", 1)).Digest, (await Train(job with { BucketBytes = bytes }, "cpu=2", 1)).Digest);
    }

    /// <summary>Attention in several blocks, embeddings, GELU, dropout, AdamW and clipping; seven shards, of which the last batch fills four.</summary>
    [Theory]
    [InlineData("cpu=2", 2)]
    [InlineData("cpu=3", 1)]
    [InlineData("cpu=4", 1)]
    public async Task A_transformer_leaves_no_trace(string devices, int threads)
    {
        using var folder = new TemporaryFolder();
        var data = new TextData { Path = folder.Write("t", [.. Enumerable.Range(0, 3600).Select(i => (byte)('a' + i * i % 13 % 9))]), Length = 80 };
        var settings = new ModelSettings([new("layers", "2"), new("width", "24"), new("heads", "3"), new("dropout", "0.1")]);
        var job = new TrainingJob
        {
            Model = ModelCatalog.Create("gpt-mini", Shape.Of(80), 4, settings), Data = data, Loss = new SoftmaxCrossEntropy(), BatchSize = 9, Epochs = 2, Shards = 7, Seed = 5,
            Optimizer = new AdamW { LearningRate = 0.003, WeightDecay = 0.01, ClipNorm = 1, Schedule = new WarmUpSchedule(2, new CosineSchedule { To = 0.1 }) },
        };

        var expected = await Train(job, "cpu=1", 1);
        var result = await Train(job, devices, threads);

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
    }

    /// <summary>The processor's fast kernels and the plain loops that define them agree over a whole job.</summary>
    [Fact]
    public async Task The_processor_trains_what_the_definition_says()
    {
        var job = TinyJob.Create();

        var fast = await Train(job, "cpu=2", 1);
        var defined = await Train(job, "cpu=2", 1, _ => new ReferenceBackend());

        Assert.Equal(defined.Digest, fast.Digest);
        Assert.Equal(defined.Test, fast.Test);
    }

    private static async Task<TrainingResult> Train(TrainingJob job, string devices, int threads, Func<DeviceDescription, IBackend>? open = null)
    {
        await using var host = await TestHost.StartAsync(devices, singa => singa.WithThreads(threads).WithBackends(open ?? Backends.Create));
        return (await host.TrainAsync(job)).Result;
    }
}
