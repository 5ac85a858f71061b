using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Tests.Hosting;
using Xunit.Abstractions;

namespace Singa.Actors.Runtime.Tests.Onnx;

/// <summary>Trained models as ONNX files: what they answer elsewhere, and here again.</summary>
public sealed class ExportTests(ITestOutputHelper output)
{
    private const int Samples = 5;

    [Theory]
    [InlineData("mlp", 1, 28, "Reshape Gemm Relu")]
    [InlineData("lenet", 1, 28, "Conv Relu MaxPool Reshape Gemm")]
    [InlineData("autoencoder", 1, 28, "Reshape Gemm Relu")]
    [InlineData("resnet18", 3, 32, "Conv BatchNormalization Relu Add GlobalAveragePool Reshape Gemm")]
    [InlineData("resnet18", 3, 32, "Conv BatchNormalization Relu Add GlobalAveragePool Reshape Gemm", true)]
    [InlineData("resnet50", 3, 16, "Conv BatchNormalization Relu Add GlobalAveragePool Reshape Gemm")]
    public async Task A_model_of_images_answers_elsewhere_as_here(string name, int channels, int size, string operators, bool strict = false)
    {
        var sample = Shape.Of(channels, size, size);
        int each = (int)sample.Count, train = 8;
        var data = new InMemoryData
        {
            Sample = sample, Classes = name == "autoencoder" ? 0 : 10, TrainInputs = Draw(train * each, 1), TrainLabels = name == "autoencoder" ? new float[train] : Enumerable.Range(0, train).ToArray(),
        };
        byte[] bytes = await Compare(name, "", data, Draw(Samples * each, 2), (model, x) => model.Run(x.AsSpan()), strict);
        // Plain operators, no more than the model's layers are.
        Assert.Equal(operators.Split(' '), OnnxFile.ReadModel(bytes).Graph.Node.Select(n => n.OpType).Distinct());
    }

    [Theory]
    [InlineData("char-lstm", "hidden=24 layers=2 dropout=0.2")]
    [InlineData("gpt-mini", "layers=2 width=24 heads=3 dropout=0.1")]
    public async Task A_model_of_tokens_answers_elsewhere_as_here(string name, string settings)
    {
        const int length = 70, vocabulary = 11;
        int[] tokens = [.. Enumerable.Range(0, 8 * length).Select(i => i * i % 101 % vocabulary)];
        var data = new InMemoryData
        {
            Sample = Shape.Of(length), Label = Shape.Of(length), Classes = vocabulary, TrainInputs = tokens, TrainLabels = tokens.Reverse().ToArray(),
        };
        await Compare(name, settings, data, [.. Enumerable.Range(0, Samples * length).Select(i => i * 7 % 13 % vocabulary)], (model, x) => model.Run(x.AsSpan()));
    }

    [Fact]
    public async Task Layers_that_no_model_of_ours_has_answer_elsewhere_as_here()
    {
        var sample = Shape.Of(2, 13, 12);
        var data = new InMemoryData { Sample = sample, Classes = 4, TrainInputs = Draw(8 * (int)sample.Count, 1), TrainLabels = new[] { 0, 1, 2, 3, 0, 1, 2, 3 } };
        var model = new Sequential(
            new Conv2d(6, 3) { Padding = 2, Dilation = 2, Stride = 2 }, new LeakyRelu(0.03), new AveragePool2d(3) { Stride = 2, Padding = 1 }, new GroupNorm(3), new PRelu(true),
            new SeparableConv2d(8, 3) { Padding = 1 }, new Elu(0.7), new AveragePool2d(2) { CountPadding = true }, new HardSigmoid(), new BatchNorm { Epsilon = 1e-3, Momentum = 0.5 },
            new Activation("Mish"), new Activation("Silu"), new GlobalAveragePool(), new Flatten(), new RmsNorm(), new Dropout(0.5), new Clip(-0.9, 1.1), new Linear(24), new Activation("Selu"),
            new Turned(), new Gru(6) { Bidirectional = true }, new TransformerBlock(3) { Rotary = true, PreNorm = false }, new MultiHeadAttention(4) { KeyValueHeads = 2, Causal = true },
            new Rnn(5, "Softsign") { Sequences = false }, new Linear(4), new Softmax());
        await Compare(model, data, Draw(Samples * (int)sample.Count, 2), (trained, x) => trained.Run(x.AsSpan()));
    }

    private Task<byte[]> Compare<T>(string name, string settings, InMemoryData data, T[] samples, Func<TrainedModel, T[], float[]> run, bool strict = false) where T : unmanaged
    {
        var read = new ModelSettings(settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Split('=')).Select(p => KeyValuePair.Create(p[0], p[1])));
        return Compare(ModelCatalog.Create(name, data.Sample, data.Classes, read), data, samples, run, strict);
    }

    private async Task<byte[]> Compare<T>(Module model, InMemoryData data, T[] samples, Func<TrainedModel, T[], float[]> run, bool strict = false) where T : unmanaged
    {
        using var folder = new TemporaryFolder();
        await using var host = await TestHost.StartAsync("cpu=1");
        Loss loss = data.Classes == 0 ? new MeanSquaredError { ReconstructsInput = true } : new SoftmaxCrossEntropy();
        var job = new TrainingJob { Model = model, Data = data, Loss = loss, Optimizer = new Sgd { LearningRate = 0.01 }, BatchSize = 4, Epochs = 2, Seed = 3, IsStrict = strict };
        using var trained = (await host.TrainAsync(job)).Result.Model;
        string path = Path.Combine(folder.Path, "model.onnx");

        ModelFile.Save(path, trained);

        float[] here = run(trained, samples);
        Assert.Contains(here, v => v != 0);
        output.WriteLine(FormattableString.Invariant($"{Referee.Agree(Referee.Run(path, samples, Samples, data.Sample), here):F4} of the tolerance"));
        // Read back it is the same model to the bit, and its file the same file.
        byte[] bytes = File.ReadAllBytes(path);
        using var again = new TrainedModel(trained.Job with { Model = new OnnxModule(OnnxModel.Read(bytes)) }, trained.Data, null, trained.Parameters.Values, trained.Statistics.Values);
        Assert.Equal(here.Select(BitConverter.SingleToInt32Bits), run(again, samples).Select(BitConverter.SingleToInt32Bits));
        ModelFile.Save(path, again);
        Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(path)));
        return bytes;
    }

    private static float[] Draw(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
    }

    /// <summary>[n, 24] as [n, 4, 6].</summary>
    private sealed record Turned : Module
    {
        public override Tensor Forward(Tensor input, ModuleContext context) => input.Reshape(Shape.Of(input.Shape[0], 4, 6));
    }
}
