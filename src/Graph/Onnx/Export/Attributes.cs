using System.Globalization;
using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>Attributes of nodes, and what they cannot hold.</summary>
internal static class Attributes
{
    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = Kind.Int, I = value };

    public static AttributeProto Ints(string name, params IEnumerable<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = Kind.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public static AttributeProto Ints(string name, IEnumerable<int> values) => Ints(name, values.Select(v => (long)v));

    public static AttributeProto Float(string name, double value) => new() { Name = name, Type = Kind.Float, F = (float)value };

    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = Kind.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Value(string name, HostTensor value) => new() { Name = name, Type = Kind.Tensor, T = OnnxFile.ToProto(value) };

    public static AttributeProto Graph(string name, GraphProto value) => new() { Name = name, Type = Kind.Graph, G = value };

    /// <summary>In a function: the attribute of the caller.</summary>
    public static AttributeProto Of(string name, Kind kind, string caller) => new() { Name = name, Type = kind, RefAttrName = caller };

    /// <summary>
    /// The format's floating attributes have 32 bits. What that rounds away stands in the node's metadata, under the attribute's name.
    /// </summary>
    public static StringStringEntryProto? Exact(string name, double value) => BitConverter.DoubleToInt64Bits((float)value) == BitConverter.DoubleToInt64Bits(value)
        ? null : new StringStringEntryProto { Key = name, Value = value.ToString("R", CultureInfo.InvariantCulture) };

    /// <summary>The number that a node says more exactly than its attribute does; a text that is no nearer description of it counts nothing.</summary>
    public static double Refined(NodeProto node, string name, float value) =>
        node.MetadataProps.FirstOrDefault(p => p.Key == name) is { } exact
        && double.TryParse(exact.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double more) && (float)more == value ? more : value;
}
