using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>Tables that everybody knows, through a real host.</summary>
[Collection(Busy.Name)]
public sealed class TableTests
{
    [SkippableFact]
    public async Task Irises_are_told_apart_by_their_leaves()
    {
        var result = await Train(new CsvData { Train = Repository.Shared("iris", "iris.csv"), TestFraction = 0.2 }, new SoftmaxCrossEntropy(), outputs: 3, epochs: 10);
        Assert.InRange(result.TestAccuracy!.Value, 0.9, 1);
        using var model = result.Model;
        Assert.Equal("virginica", model.Data.ClassNames[model.Classify(model.Encode("6.5", "3.0", "5.5", "2.0"))[0]]);
        Assert.Equal("setosa", model.Data.ClassNames[model.Classify(model.Encode("5.0", "3.4", "1.5", "0.2"))[0]]);
        using var folder = new TemporaryFolder();
        ModelFile.Save(folder["m"], model);
        var metadata = SafeTensors.Load(folder["m"]).Metadata;
        Assert.Equal("""["setosa","versicolor","virginica"]""", metadata["class-names"]);
        Assert.StartsWith("""[{"name":"sepal_length","categories":[]},""", metadata["columns"]);
        Assert.Equal(4, metadata["normalisation.mean"].Split(',').Length);
    }

    [SkippableFact]
    public async Task A_length_is_predicted_from_the_others_and_the_species()
    {
        var data = new CsvData { Train = Repository.Shared("iris", "iris.csv"), TestFraction = 0.2, Label = "sepal_length" };
        var result = await Train(data, new MeanSquaredError(), outputs: 1, epochs: 20);
        // The lengths' own variance is 0.68.
        Assert.InRange(result.TestLoss!.Value, 0, 0.25);
        Assert.Null(result.TestAccuracy);
    }

    [SkippableFact]
    public async Task Optical_digits_are_read()
    {
        var data = new CsvData { Train = Repository.Shared("optdigits", "optdigits.tra"), Test = Repository.Shared("optdigits", "optdigits.tes") };
        var result = await Train(data, new SoftmaxCrossEntropy(), outputs: 10, epochs: 4);
        Assert.InRange(result.TestAccuracy!.Value, 0.94, 1);
    }

    private static async Task<TrainingResult> Train(CsvData data, Loss loss, int outputs, int epochs)
    {
        await using var host = await TestHost.StartAsync("cpu=1");
        return (await host.TrainAsync(new TrainingJob
        {
            Model = ModelCatalog.Mlp(outputs), Data = data, Loss = loss, Optimizer = new Adam { LearningRate = 0.001 }, BatchSize = 16, Epochs = epochs, Seed = 2,
        })).Result;
    }
}
