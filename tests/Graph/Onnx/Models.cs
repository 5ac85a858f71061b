using Google.Protobuf;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Tests.Onnx;

/// <summary>Small models written in tests.</summary>
internal static class Models
{
    public static ModelProto Model(GraphProto graph, long opset = 21) => new()
    {
        IrVersion = 10,
        Graph = graph,
        OpsetImport = { new OperatorSetIdProto { Version = opset } },
    };

    /// <param name="inputs">Of type float32 and shape [dims].</param>
    public static GraphProto Nodes(string[] inputs, string[] outputs, params NodeProto[] nodes)
    {
        var graph = new GraphProto { Name = "test" };
        graph.Input.AddRange(inputs.Select(Value));
        graph.Output.AddRange(outputs.Select(Value));
        graph.Node.AddRange(nodes);
        return graph;
    }

    public static ValueInfoProto Value(string name) => Value(name, ElementType.Float);

    public static ValueInfoProto Value(string name, ElementType type, params long[] dims)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type };
        if (dims.Length > 0)
        {
            tensor.Shape = new TensorShapeProto();
            tensor.Shape.Dim.AddRange(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        }

        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    /// <summary>As in <c>"y = Add(a, b)"</c>.</summary>
    public static NodeProto Node(string text, params AttributeProto[] attributes)
    {
        string[] sides = text.Split('=', StringSplitOptions.TrimEntries);
        int open = sides[1].IndexOf('(');
        var node = new NodeProto { OpType = sides[1][..open] };
        if (node.OpType.LastIndexOf('.') is > 0 and var dot)
            (node.Domain, node.OpType) = (node.OpType[..dot], node.OpType[(dot + 1)..]);
        node.Output.AddRange(sides[0].Split(',', StringSplitOptions.TrimEntries));
        string arguments = sides[1][(open + 1)..^1];
        if (arguments.Length > 0)
            node.Input.AddRange(arguments.Split(',', StringSplitOptions.TrimEntries));
        node.Attribute.AddRange(attributes);
        return node;
    }

    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = Kind.Int, I = value };

    public static AttributeProto Float(string name, float value) => new() { Name = name, Type = Kind.Float, F = value };

    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = Kind.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Ints(string name, params long[] values) => new() { Name = name, Type = Kind.Ints, Ints = { values } };

    public static AttributeProto Body(string name, GraphProto graph) => new() { Name = name, Type = Kind.Graph, G = graph };

    public static TensorProto Longs(string name, params long[] values) => new() { Name = name, DataType = (int)ElementType.Int64, Dims = { values.Length }, Int64Data = { values } };

    public static TensorProto Long(string name, long value) => new() { Name = name, DataType = (int)ElementType.Int64, Int64Data = { value } };

    public static TensorProto Floats(string name, params float[] values) => new() { Name = name, DataType = (int)ElementType.Float, Dims = { values.Length }, FloatData = { values } };
}
