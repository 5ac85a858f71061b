using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Tests.Checking;

/// <summary>Well-formed files of every kind, small; ONNX's own tests among them where these are at hand.</summary>
internal static class RealFiles
{
    private const long BytesMax = 20_000;

    public static IReadOnlyList<(string Name, byte[] Content)> All { get; } =
    [
        ("model.onnx", Model().ToByteArray()), ("weights.safetensors", SafeTensors()), ("images.idx", Idx()), ("images-idx3-ubyte.gz", Zipped(Idx())),
        ("table.csv", Table()), ("table.tsv", Encoding.UTF8.GetBytes("a\tb\n1\tx\n2\ty\n")), ("batch.bin", new byte[2 * 3073]),
        ("job.conf", Job()), ("references.conf", References()), ("text.txt", Encoding.UTF8.GetBytes("Some wörds, and\nmore of them.\n")),
        ("tensor.pb", Model().Graph.Initializer[0].ToByteArray()), .. Suite(),
    ];

    /// <summary>Operators that the models here use.</summary>
    public static string[] Operators { get; } =
        [.. All.Where(f => f.Name.EndsWith(".onnx", StringComparison.Ordinal)).SelectMany(f => ModelProto.Parser.ParseFrom(f.Content).Graph.Node.Select(n => n.OpType)).Distinct().Order()];

    public static ModelProto Model()
    {
        static ValueInfoProto Value(string name, params long[] dims)
        {
            var shape = new TensorShapeProto { Dim = { dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }) } };
            return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float, Shape = shape } } };
        }

        var node = new NodeProto { Name = "fc", OpType = "Gemm", Input = { "x", "w" }, Output = { "y" } };
        node.Attribute.Add(new AttributeProto { Name = "transB", Type = AttributeProto.Types.AttributeType.Int, I = 1 });
        var weights = new TensorProto { Name = "w", DataType = (int)ElementType.Float, Dims = { 2, 3 }, RawData = ByteString.CopyFrom(new byte[24]) };
        var graph = new GraphProto { Name = "g", Node = { node }, Initializer = { weights }, Input = { Value("x", 4, 3) }, Output = { Value("y", 4, 2) } };
        return new ModelProto { IrVersion = 8, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
    }

    private static byte[] SafeTensors()
    {
        using var file = new MemoryStream();
        Runtime.Models.SafeTensors.Write(file, [new NamedTensor("a", new TensorType(DType.Float32, Shape.Of(2, 3)), new byte[24]), new NamedTensor("b", new TensorType(DType.UInt8, Shape.Of(3)), new byte[3])],
            new Dictionary<string, string> { ["model"] = "mlp" });
        return file.ToArray();
    }

    private static byte[] Idx() => [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, .. new byte[24]];

    private static byte[] Zipped(byte[] content)
    {
        using var file = new MemoryStream();
        using (var zip = new GZipStream(file, CompressionLevel.Optimal))
            zip.Write(content);
        return file.ToArray();
    }

    private static byte[] Table() => Encoding.UTF8.GetBytes("width,height,kind\n1.5,2,\"a, b\"\n3,4.25,c\n-1e3,0,\"with \"\"quotes\"\"\"\n");

    private static byte[] Job() => Encoding.UTF8.GetBytes("""
        job {
          model = mlp
          data { kind = digits, train = 100, test = 50 }
          optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9, schedule { kind = cosine } }
          batch-size = 32, epochs = 2, seed = 1
        }
        """);

    private static byte[] References() => Encoding.UTF8.GetBytes("singa { host = here, port = 1 }\njob {\n model = mlp\n data { kind = csv, path = ${singa.host}/t.csv }\n seed = ${singa.port} }\n");

    private static IEnumerable<(string, byte[])> Suite()
    {
        foreach (string kind in new[] { "simple", "node", "pytorch-operator" })
        {
            if (SharedData.Find("onnx", kind, $"{kind}.zip") is not { } path)
                continue;
            using var zip = ZipFile.OpenRead(path);
            foreach (var entry in zip.Entries.Where(e => e.Name == "model.onnx" && e.Length <= BytesMax))
            {
                using var stream = entry.Open();
                using var content = new MemoryStream();
                stream.CopyTo(content);
                yield return (entry.FullName, content.ToArray());
            }
        }
    }
}
