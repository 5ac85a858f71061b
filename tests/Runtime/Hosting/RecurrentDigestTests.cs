using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>A char-LSTM with dropout, AdamW and clipping on text: devices and threads leave no trace in the weights.</summary>
[Collection(Busy.Name)]
public sealed class RecurrentDigestTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("cpu=1", 2)]
    [InlineData("cpu=2", 2)]
    [InlineData("cpu=3", 1)]
    public async Task Devices_and_threads_leave_no_trace(string devices, int threads)
    {
        // Windows of nine in batches of 20 over five shards, and a shorter batch at the end of an epoch.
        var data = new TextData { Path = folder.Write("t", [.. Enumerable.Range(0, 900).Select(i => (byte)('a' + i * i % 11 % 7))]), Length = 9 };
        var job = new TrainingJob
        {
            Name = "char-lstm", Data = data, Loss = new SoftmaxCrossEntropy(), BatchSize = 20, Epochs = 2, Shards = 5, Seed = 4,
            Model = ModelCatalog.Create("char-lstm", Shape.Of(9), 7, new ModelSettings([new("hidden", "20"), new("layers", "2"), new("dropout", "0.2")])),
            Optimizer = new AdamW { LearningRate = 0.01, ClipNorm = 1, Schedule = new WarmUpSchedule(2, new CosineSchedule { To = 0.1 }) },
        };
        var expected = await Train(job, "cpu=1", 1);

        var result = await Train(job, devices, threads);

        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.TestLoss, result.TestLoss);
        Assert.InRange(result.TestLoss!.Value, 0.1, Math.Log(7) + 0.1);
        Assert.InRange(result.PeakBytes, 1, result.PlannedBytes);
    }

    public void Dispose() => folder.Dispose();

    private static async Task<TrainingResult> Train(TrainingJob job, string devices, int threads)
    {
        await using var host = await TestHost.StartAsync(devices, singa => singa.WithThreads(threads).WithBackends(Backends.Create));
        return (await host.TrainAsync(job)).Result;
    }
}
