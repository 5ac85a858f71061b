using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class InMemoryDataTests
{
    private static readonly InMemoryData Data = new()
    {
        Sample = Shape.Of(2), Classes = 3, TrainInputs = new float[] { 1, 2, 3, 4 }, TrainLabels = new[] { 2, 0 },
    };

    [Fact]
    public async Task Values_are_taken_as_they_are()
    {
        var dataset = await DataLoader.LoadAsync(Data, 1);
        var inputs = new float[4];
        var labels = new int[2];
        dataset.Train.Read([1, 0], inputs, labels);
        Assert.Equal([3, 4, 1, 2], inputs);
        Assert.Equal([0, 2], labels);
        Assert.Null(dataset.Test);
        Assert.Null(dataset.Normalisation);
    }

    [Fact]
    public async Task Refuses_what_does_not_fit()
    {
        await Refused(Data with { TrainInputs = new float[3] }, "the training inputs hold 3 values");
        await Refused(Data with { TrainLabels = new[] { 0, 3 } }, "training label 1 is 3, outside 0 … 2");
        await Refused(Data with { TrainLabels = default }, "no training samples");
        await Refused(Data with { TestLabels = new[] { 1 } }, "the test inputs hold 0 values");
    }

    private static async Task Refused(DataSpec data, string sentence) =>
        Assert.Contains(sentence, (await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1))).Message);
}
