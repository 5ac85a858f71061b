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
        var (inputs, labels) = dataset.Train.Read<float, int>(0, 1, 0);
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
        await Refused(Data with { TrainLabels = Array.Empty<int>() }, "no training samples");
        await Refused(Data with { TestLabels = new[] { 1 } }, "the test inputs hold 0 values");
    }

    [Fact]
    public async Task Values_may_be_of_any_type_and_labels_of_any_shape()
    {
        var regression = new InMemoryData
        {
            Sample = Shape.Of(3), Label = Shape.Of(2), TrainInputs = new[] { 1, 2, 3, 4, 5, 6 }, TrainLabels = new[] { 0.5f, 1, 2, 3 },
        };
        var dataset = await DataLoader.LoadAsync(regression, 1);
        Assert.Equal(new DataDescription(new TensorType(DType.Int32, Shape.Of(3)), new TensorType(DType.Float32, Shape.Of(2)), 0, 2, 0), dataset.Description);
        Assert.Equal(2, dataset.Description.Outputs);
        var (inputs, labels) = dataset.Train.Read<int, float>(0, 1);
        Assert.Equal([4, 5, 6], inputs);
        Assert.Equal([2, 3], labels);

        var slice = await DataLoader.LoadAsync(regression with { TrainInputs = HostValues.Of<byte>(new byte[] { 9, 8, 7, 6, 5, 4, 3 }.AsMemory(1)) }, 1);
        Assert.Equal([5, 4, 3], slice.Train.Read<byte, float>(0, 1).Inputs);

        await Refused(regression with { Label = Shape.Of(3) }, "the training labels hold 4 values, which are not whole labels of [3]");
        await Refused(regression with { TrainLabels = new[] { 1L, 2, 3, 4 }, Classes = 5 }, "the training labels are Int64; class numbers are int");
        await Refused(regression with { TestInputs = new float[3], TestLabels = new float[2] }, "training samples are int32[3] with labels float32[2], test samples float32[3]");
    }

    private static async Task Refused(DataSpec data, string sentence) =>
        Assert.Contains(sentence, (await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1))).Message);
}
