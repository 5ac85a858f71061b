using Google.Protobuf;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Tests.Hosting;

namespace Singa.Actors.Runtime.Tests.Onnx;

/// <summary><c>model = x.onnx</c>: a model that somebody has trained is trained further.</summary>
public sealed class FineTuneTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Training_begins_with_the_files_values_and_statistics()
    {
        await using var host = await TestHost.StartAsync("cpu=2");
        using var trained = await Trained(host);
        ModelFile.Save(folder["model.onnx"], trained);

        var still = (await host.TrainAsync(Read("optimizer.learning-rate = 0, optimizer.momentum = 0"))).Result;
        var further = (await host.TrainAsync(Read("optimizer.learning-rate = 0.05"))).Result;

        // Without a learning rate nothing moves but the running statistics.
        Assert.Equal(trained.Digest, still.Digest);
        Assert.Equal(["norm.mean", "norm.variance"], still.Model.Statistics.Keys);
        Assert.NotEqual(Hex(trained.Statistics["norm.mean"]), Hex(still.Model.Statistics["norm.mean"]));
        Assert.NotEqual(trained.Digest, further.Digest);
        Assert.Equal(trained.Parameters.Keys, further.Model.Parameters.Keys);
    }

    /// <summary>Frozen to the last layer, with the batch norm in training: what a file trains to is what the module would from the same values.</summary>
    [Fact]
    public async Task What_was_fine_tuned_is_saved_and_answers_elsewhere()
    {
        await using var host = await TestHost.StartAsync("cpu=1");
        using var trained = await Trained(host);
        ModelFile.Save(folder["model.onnx"], trained);

        var result = (await host.TrainAsync(Read("frozen = [conv], optimizer.learning-rate = 0.02"))).Result;
        ModelFile.Save(folder["tuned.onnx"], result.Model);

        Assert.Equal(Hex(trained.Parameters["conv.weight"]), Hex(result.Model.Parameters["conv.weight"]));
        Assert.NotEqual(Hex(trained.Parameters["fc.weight"]), Hex(result.Model.Parameters["fc.weight"]));
        float[] samples = [.. Enumerable.Range(0, 3 * 784).Select(i => i * 7 % 11 / 11f)];
        Referee.Agree(Referee.Run(folder["tuned.onnx"], samples, 3, [1, 28, 28]), result.Model.Run(samples));
    }

    [SkippableTheory]
    [InlineData("mnist-8")]
    [InlineData("mnist-softmax-tf")]
    [InlineData("mnist-mlp-pytorch")]
    [InlineData("mnist-cnn-bn-pytorch")]
    public async Task Models_of_others_are_trained_further(string name)
    {
        var file = SharedData.Find("onnx", "models", name, "model.onnx");
        Skip.If(file is null, "there is no shared/data/onnx");
        File.Copy(file, folder["model.onnx"]);
        var job = Read("data.train = 320, data.test = 200, optimizer.learning-rate = 0.001, max-steps = 0");
        await using var host = await TestHost.StartAsync("cpu=2");

        var result = (await host.TrainAsync(job)).Result;

        Assert.InRange(result.TestAccuracy!.Value, 0.5, 1);
        ModelFile.Save(folder["tuned.onnx"], result.Model);
        Assert.Equal(2 * 10, Referee.Run(folder["tuned.onnx"], new float[2 * 784], 2, [1, 28, 28]).Length);
    }

    [Fact]
    public async Task A_dropout_that_the_file_has_drops_in_training_alone()
    {
        var graph = Graph(["w = Identity(weights)"], "y = Gemm(d, w)", new NodeProto { OpType = "Dropout", Name = "drop", Input = { "x", "ratio" }, Output = { "d" } });
        graph.Initializer.Add(OnnxFile.ToProto(new HostTensor(ElementType.Float, Shape.Scalar, BitConverter.GetBytes(0.5f)), "ratio"));
        Write(graph);
        var model = OnnxModel.Read(File.ReadAllBytes(folder["model.onnx"]));
        Assert.Equal(["weights"], model.Parameters);

        await using var host = await TestHost.StartAsync("cpu=1");
        var job = TinyJob.Create() with { Model = new OnnxModule(model), MaxSteps = 3 };
        var (once, again) = ((await host.TrainAsync(job)).Result, (await host.TrainAsync(job, new TrainingOptions { Directly = true })).Result);
        var without = (await host.TrainAsync(job with { Model = new OnnxModule(OnnxModel.Read(File.ReadAllBytes(Without(graph)))) })).Result;

        Assert.Equal(again.Digest, once.Digest);
        Assert.NotEqual(without.Digest, once.Digest);
        Assert.Equal(once.Model.Run([1f, 2f]), once.Model.Run([1f, 2f]));
    }

    [Fact]
    public async Task A_softmax_that_the_loss_has_in_itself_is_left_out_and_said_so()
    {
        folder.Write("table.csv", [.. string.Concat(Enumerable.Range(0, 40).Select(i => $"{i % 7},{i % 5},c{i % 3}\n")).Select(c => (byte)c)]);
        JobFile Job() => JobFile.Parse("job { model = model.onnx, data { kind = csv, path = table.csv }, batch-size = 8 }", "job.conf", folder.Path);
        Write(Graph(["g = Gemm(x, weights)"], "y = Softmax(g)"));
        var with = Job();
        Write(Graph([], "y = Gemm(x, weights)"));
        var without = Job();
        await using var host = await TestHost.StartAsync("cpu=1");

        Assert.Contains("model.onnx ends in Softmax, which softmax-cross-entropy has in itself", Assert.Single(with.Notes));
        Assert.Empty(without.Notes);
        Assert.Equal((await host.TrainAsync(without.Job)).Result.Digest, (await host.TrainAsync(with.Job)).Result.Digest);
    }

    public static TheoryData<string, string, string> Refusals() => new()
    {
        { "y = Frobnicate(x, weights)", "", "no operator Frobnicate-21" },
        { "y = Gemm(x, weights, x2)", "", "reads 'x2', which nothing before it makes" },
        { "y = Abs(x)", "", "no parameters of type float32: there is nothing to train" },
        { "y = Gemm(x, weights)", "model = none.onnx", "none.onnx, where no file is; correct the path" },
        { "y = Gemm(x, weights)", "model { path = model.onnx, output = z }", "it has no output 'z'; there are y" },
        { "y = Gemm(x, weights)", "data.classes = 2", "whose 'y' has 3 values an answer, and the data has 2 classes" },
        { "y = Gemm(x, weights)", "data.columns = 3", "input 'x' takes float32[N, 2], and the samples are float32[3]" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_cannot_be_trained_is_refused_in_a_sentence(string node, string change, string sentence)
    {
        Write(Graph([], node));
        int classes = change == "data.classes = 2" ? 2 : 3, columns = change == "data.columns = 3" ? 3 : 2;
        folder.Write("table.csv", [.. string.Concat(Enumerable.Range(0, 12).Select(i => string.Join(',', Enumerable.Range(0, columns).Select(c => (i * (c + 2) % 7) + 0.5)) + $",c{i % classes}\n")).Select(c => (byte)c)]);
        string model = change.StartsWith("model", StringComparison.Ordinal) ? change : "model = model.onnx";
        var refused = Assert.Throws<JobRefusedException>(() => JobFile.Parse($"job {{ {model}, data {{ kind = csv, path = table.csv }} }}", "job.conf", folder.Path));
        Assert.Contains(sentence, refused.Message);
    }

    [Fact]
    public void All_that_is_missing_is_named_at_once()
    {
        Write(Graph(["a = Frobnicate(x)", "b = Quux(a)", "c = Quux(b)"], "y = Gemm(c, weights)"));
        var refused = Assert.Throws<JobRefusedException>(() => Read(""));
        Assert.Matches("no operator Frobnicate-21 \\(.*\\), Quux-21 \\(.*, .*\\)", refused.Message);
    }

    [Fact]
    public void Values_outside_of_the_models_folder_are_refused()
    {
        var graph = Graph([], "y = Gemm(x, weights)");
        graph.Initializer[0].ClearRawData();
        graph.Initializer[0].DataLocation = TensorProto.Types.DataLocation.External;
        graph.Initializer[0].ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../weights.bin" });
        Write(graph);
        folder.Write("table.csv", "1,2,a\n3,4,b\n5,6,c\n"u8.ToArray());
        var refused = Assert.Throws<JobRefusedException>(() => JobFile.Parse("job { model = model.onnx, data { kind = csv, path = table.csv, test-fraction = 0 } }", "job.conf", folder.Path));
        Assert.Contains("outside of the model's folder", refused.Message);
    }

    [Fact]
    public async Task Values_beside_the_model_travel_with_the_job()
    {
        var graph = Graph([], "y = Gemm(x, weights)");
        folder.Write("weights.bin", graph.Initializer[0].RawData.ToByteArray());
        graph.Initializer[0].ClearRawData();
        graph.Initializer[0].DataLocation = TensorProto.Types.DataLocation.External;
        graph.Initializer[0].ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "weights.bin" });
        Write(graph);
        var model = OnnxModel.Read(File.ReadAllBytes(folder["model.onnx"]), new ExternalFolder(folder.Path));
        var job = TinyJob.Create() with { Model = new OnnxModule(model), Optimizer = new Sgd { LearningRate = 0 }, MaxSteps = 1 };

        var form = JobForm.Write(job with { Data = new HostData("clouds") }, DataLoader.Describe(job.Data));
        await using var host = await TestHost.StartAsync("cpu=1");
        var read = JobForm.Of(form.Model.ToArray(), form.Settings).Read() with { Data = job.Data };

        Assert.Equal(File.ReadAllBytes(folder["weights.bin"]), (await host.TrainAsync(read)).Result.Model.Parameters["weights"].Data.ToArray());
    }

    private TrainingJob Read(string more) => JobFile.Parse(Text(more), "job.conf", folder.Path).Job;

    private static string Text(string more) => $$"""
        job {
          model = model.onnx
          data { kind = digits, train = 60, test = 20 }
          optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9 }
          batch-size = 16, max-steps = 4, shards = 2
          {{more}}
        }
        """;

    private static async Task<TrainedModel> Trained(TestHost host) => (await host.TrainAsync(new TrainingJob
    {
        Model = new Sequential(new Conv2d(4, 5) { Name = "conv", Stride = 2 }, new BatchNorm { Name = "norm", Momentum = 0.6 }, new Activation("Relu"), new Flatten(), new Dropout(0.2), new Linear(10) { Name = "fc" }),
        Data = new DigitsData { Train = 60, Test = 20 }, Loss = new SoftmaxCrossEntropy(), Optimizer = new Sgd { LearningRate = 0.02 }, BatchSize = 20, Seed = 5,
    })).Result.Model;

    /// <summary>[N, 2] by a matrix to [N, 3].</summary>
    private static GraphProto Graph(string[] nodes, string last, params NodeProto[] before)
    {
        var graph = new GraphProto { Name = "test", Input = { Value("x", 2) }, Output = { Value("y", 3) } };
        graph.Initializer.Add(OnnxFile.ToProto(new HostTensor(ElementType.Float, Shape.Of(2, 3), Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes(i / 10f - 0.2f)).ToArray()), "weights"));
        graph.Node.AddRange(before);
        graph.Node.AddRange(nodes.Append(last).Select(Node));
        return graph;

        static ValueInfoProto Value(string name, long width) => new()
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor
                {
                    ElemType = 1,
                    Shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "N" }, new TensorShapeProto.Types.Dimension { DimValue = width } } },
                },
            },
        };
    }

    private static NodeProto Node(string text)
    {
        var (output, call) = text.Split(" = ") is [var o, var c] ? (o, c) : throw new ArgumentException(text);
        var node = new NodeProto { OpType = call[..call.IndexOf('(')], Output = { output } };
        node.Input.AddRange(call[(call.IndexOf('(') + 1)..^1].Split(", "));
        return node;
    }

    private void Write(GraphProto graph) => folder.Write("model.onnx", Model(graph));

    private string Without(GraphProto graph)
    {
        var other = graph.Clone();
        other.Node[0] = new NodeProto { OpType = "Identity", Input = { "x" }, Output = { "d" } };
        return folder.Write("without.onnx", Model(other));
    }

    private static byte[] Model(GraphProto graph) => new ModelProto { IrVersion = 10, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 21 } } }.ToByteArray();

    private static string Hex(NamedTensor tensor) => Convert.ToHexString(tensor.Data.Span);
}
