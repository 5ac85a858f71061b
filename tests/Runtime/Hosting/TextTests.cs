using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>Text through a real host, to its closing lines.</summary>
[Collection(Busy.Name)]
public sealed class TextTests
{
    /// <summary>What a model knows that looks at the last character only: it cannot get below the entropy of pairs, and gets there.</summary>
    [SkippableFact]
    public async Task A_bigram_model_learns_the_pairs_of_a_text()
    {
        var data = new TextData { Path = Repository.Shared("text", "tinyshakespeare.txt") };
        var description = DataLoader.Describe(data);
        Assert.Equal((65, 15_684L, 1_742L), (description.Classes, description.TrainCount, description.TestCount));
        await using var host = await TestHost.StartAsync("cpu=1");

        var (result, progress) = await host.TrainAsync(new TrainingJob
        {
            Model = new Sequential(new Embedding(65, 65), new Linear(65)), Data = data, Loss = new SoftmaxCrossEntropy(),
            Optimizer = new AdamW { LearningRate = 0.01, Schedule = new CosineSchedule() }, BatchSize = 64, Epochs = 2, TopK = 5,
        });

        Assert.InRange(result.TestLoss!.Value, 2.4, 2.52);
        Assert.Null(result.TestAccuracy);
        Assert.Equal(Math.Exp(result.TestLoss.Value), result.Test!.Perplexity);
        Assert.InRange(result.Test.Top!.Value.Share, 0.5, 0.8);
        Assert.Matches(@"^test top-5 accuracy \d\d\.\d\d$", ClosingLines.Of(result)[0]);
        Assert.Matches(@"^test loss 2\.\d{4}$", ClosingLines.Of(result)[1]);
        Assert.Equal(Math.Exp(progress[^1].Loss), progress[^1].Perplexity);

        using var model = result.Model;
        var answers = model.Classify(model.Vocabulary!.Encode("And what shall we think of it, the question was then quite the s"));
        Assert.Equal("e", model.Vocabulary.Decode(answers.AsSpan(32, 1)));
        using var folder = new TemporaryFolder();
        ModelFile.Save(folder["m"], model);
        var metadata = SafeTensors.Load(folder["m"]).Metadata;
        Assert.Equal("characters", metadata["tokens"]);
        Assert.Equal(description.Vocabulary!.Characters, metadata["vocabulary"]);
    }

    /// <summary>Epochs that begin elsewhere, a test in windows, and nothing of it tells how many devices took part.</summary>
    [Fact]
    public async Task The_same_bits_whatever_the_number_of_devices()
    {
        using var folder = new TemporaryFolder();
        var job = new TrainingJob
        {
            Model = new Sequential(new Embedding(7, 8), new Dropout(0.2), new Linear(7)), Loss = new SoftmaxCrossEntropy(), Optimizer = new Adam { LearningRate = 0.02 },
            Data = new TextData { Path = folder.Write("t", [.. Enumerable.Range(0, 2000).Select(i => (byte)('a' + i * i % 11 % 7))]), Length = 6 },
            BatchSize = 40, Epochs = 3, Shards = 5, TopK = 2,
        };
        var expected = await Train(1, job);
        var result = await Train(3, job);
        Assert.Equal(expected.Digest, result.Digest);
        Assert.Equal(expected.Test, result.Test);
        Assert.NotEqual(expected.Digest, (await Train(1, job with { Seed = 2 })).Digest);
    }

    private static async Task<TrainingResult> Train(int devices, TrainingJob job)
    {
        await using var host = await TestHost.StartAsync($"cpu={devices}", singa => singa.WithBackends(_ => new ReferenceBackend()));
        return (await host.TrainAsync(job)).Result;
    }
}
