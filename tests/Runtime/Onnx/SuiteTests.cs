using System.IO.Compression;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Runtime.Tests.Onnx;

/// <summary>How suites are found and judged; the whole suite is run by the command's tests.</summary>
public sealed class SuiteTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly IBackend backend = Backends.Create(new DeviceDescription("cpu", 0, 1));

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Tests_in_zips_and_folders_and_flat_files_are_found()
    {
        using (var zip = ZipFile.Open(folder["node.zip"], ZipArchiveMode.Create))
        {
            Add(zip, "test_a/model.onnx", []);
            Add(zip, "test_a/test_data_set_0/output_0.pb", []);
            Add(zip, "light_b.onnx", []);
        }

        Write("models/big/model.onnx", []);
        Write("flat/c.onnx", []);
        Assert.Equal(["flat c True", "models big False", "node light_b True", "node test_a False"],
            SuiteDiscovery.Find(folder.Path).Select(t => $"{t.Kind} {t.Name} {t.IsFlat}"));
    }

    [Fact]
    public void A_test_passes_over_all_its_data_sets_and_leaves_what_it_gave()
    {
        Exponential("kind/test_exp");
        Set("kind/test_exp", 0, 0, 1);
        Set("kind/test_exp", 1, 1, MathF.E);
        var outcome = Run();
        Assert.Equal(SuiteVerdict.Passed, outcome.Verdict);
        Assert.InRange(outcome.Worst!.Value, 0, 1);
        var left = TensorProto.Parser.ParseFrom(File.ReadAllBytes(folder["dump/kind/test_exp/test_data_set_1/output_0.pb"]));
        Assert.Equal(MathF.E, MemoryMarshal.Read<float>(left.RawData.Span), 1e-6f);
    }

    [Fact]
    public void A_wrong_number_a_wrong_type_and_a_fault_are_failures_with_their_reasons()
    {
        Exponential("kind/test");
        Set("kind/test", 0, 0, 1.002f);
        var outcome = Run();
        Assert.Equal(SuiteVerdict.Failed, outcome.Verdict);
        Assert.Contains("element 0 of float32[] is 1 instead of 1.00", outcome.Reason);
        Assert.InRange(outcome.Worst!.Value, 1.9, 2.1);

        Write("kind/test/test_data_set_0/output_0.pb", OnnxFile.ToProto(new HostTensor(ElementType.Double, Shape.Scalar, new byte[8])).ToByteArray());
        Assert.Contains("float32[] instead of float64[]", Run().Reason);

        Write("kind/test/model.onnx", [0xFF]);
        Assert.Equal(SuiteVerdict.Failed, Run().Verdict);
    }

    [Fact]
    public void An_operator_that_is_missing_is_unsupported_and_a_model_without_outputs_only_loaded()
    {
        Exponential("kind/test", "Frobnicate");
        Assert.Equal(SuiteVerdict.Loaded, Run().Verdict);
        Set("kind/test", 0, 0, 1);
        var outcome = Run();
        Assert.Equal((SuiteVerdict.Unsupported, "no operator Frobnicate-13 (node of 'y')"), (outcome.Verdict, outcome.Reason));
        Assert.Equal(outcome, SuiteOutcome.FromLine(outcome.ToLine()));
    }

    [Fact]
    public void Of_random_numbers_type_and_shape_are_compared()
    {
        Exponential("kind/test", "RandomUniformLike");
        Set("kind/test", 0, 0, 12345);
        Assert.Equal(SuiteVerdict.Passed, Run().Verdict);
    }

    [SkippableTheory]
    [InlineData("simple")]
    [InlineData("pytorch-operator")]
    [InlineData("models")]
    public void No_test_of_the_suite_fails(string kind)
    {
        string? suite = SharedData.Find("onnx", kind);
        Skip.If(suite is null, "the ONNX tests are not here: shared/data/onnx");
        var runner = new SuiteRunner(backend);
        var failed = SuiteDiscovery.Find(suite).Select(t => (t.Name, Outcome: runner.Run(t))).Where(r => r.Outcome.Verdict == SuiteVerdict.Failed);
        Assert.Equal([], failed.Select(f => $"{f.Name}: {f.Outcome.Reason}"));
    }

    private SuiteOutcome Run() => new SuiteRunner(backend, folder["dump"]).Run(SuiteDiscovery.Find(folder["kind"]).Single());

    private void Exponential(string test, string type = "Exp")
    {
        var graph = new GraphProto { Name = "test", Node = { new NodeProto { OpType = type, Input = { "x" }, Output = { "y" } } } };
        graph.Input.Add(new ValueInfoProto { Name = "x", Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float } } });
        graph.Output.Add(new ValueInfoProto { Name = "y", Type = graph.Input[0].Type });
        Write($"{test}/model.onnx", new ModelProto { Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 13 } } }.ToByteArray());
    }

    private void Set(string test, int number, float input, float output)
    {
        Write($"{test}/test_data_set_{number}/input_0.pb", new TensorProto { DataType = (int)ElementType.Float, FloatData = { input } }.ToByteArray());
        Write($"{test}/test_data_set_{number}/output_0.pb", new TensorProto { DataType = (int)ElementType.Float, FloatData = { output } }.ToByteArray());
    }

    private void Write(string file, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder[file])!);
        folder.Write(file, content);
    }

    private static void Add(ZipArchive zip, string name, byte[] content)
    {
        using var stream = zip.CreateEntry(name).Open();
        stream.Write(content);
    }
}
