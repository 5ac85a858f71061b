using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Runtime.Tests.Checking;

/// <summary>Models that are still messages and say something else: other sizes, numbers, operators, inputs.</summary>
internal static class ModelChanges
{
    private static readonly long[] Numbers = [0, 1, 2, 3, -1, -2, 4, 5, 7, 8, 100, 1 << 20, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue];

    public static byte[] Apply(Random random, byte[] original)
    {
        var model = ModelProto.Parser.ParseFrom(original);
        for (int times = random.Next(1, 4); times > 0; times--)
            Change(random, model.Graph);
        return model.ToByteArray();
    }

    private static void Change(Random random, GraphProto graph)
    {
        var node = graph.Node.Count == 0 ? new NodeProto() : graph.Node[random.Next(graph.Node.Count)];
        var inner = node.Attribute.Select(a => a.G).FirstOrDefault(g => g is not null);
        if (inner is not null && random.Next(2) == 0)
        {
            Change(random, inner);
            return;
        }

        switch (random.Next(8))
        {
            case 0 or 1 when graph.Input.Count > 0:
                Dimension(random, graph.Input[random.Next(graph.Input.Count)].Type);
                break;
            case 2 when graph.Input.Count > 0 && graph.Input[random.Next(graph.Input.Count)].Type?.TensorType is { } type:
                type.ElemType = random.Next(0, 28);
                break;
            case 3 or 4 when node.Attribute.Count > 0:
                Attribute(random, node.Attribute[random.Next(node.Attribute.Count)]);
                break;
            case 5 when node.Input.Count > 0:
                int at = random.Next(node.Input.Count);
                if (random.Next(2) == 0)
                    node.Input[at] = random.Next(3) == 0 ? "" : node.Input[random.Next(node.Input.Count)];
                else if (random.Next(2) == 0)
                    node.Input.RemoveAt(at);
                else
                    node.Input.Add(node.Input[at]);
                break;
            case 6 when node.Attribute.Count > 0:
                node.Attribute.RemoveAt(random.Next(node.Attribute.Count));
                break;
            case 7 when graph.Initializer.Count > 0:
                Elements(random, graph.Initializer[random.Next(graph.Initializer.Count)]);
                break;
            default:
                node.OpType = RealFiles.Operators[random.Next(RealFiles.Operators.Length)];
                break;
        }
    }

    private static long Number(Random random) => Numbers[random.Next(random.Next(2) == 0 ? 8 : Numbers.Length)];

    private static void Dimension(Random random, TypeProto? type)
    {
        if (type?.TensorType?.Shape is not { } shape)
            return;
        if (shape.Dim.Count == 0 || random.Next(6) == 0)
            shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = Number(random) });
        else if (random.Next(6) == 0)
            shape.Dim.RemoveAt(random.Next(shape.Dim.Count));
        else
            shape.Dim[random.Next(shape.Dim.Count)].DimValue = Number(random);
    }

    private static void Attribute(Random random, AttributeProto attribute)
    {
        if (attribute.Ints.Count > 0)
            attribute.Ints[random.Next(attribute.Ints.Count)] = Number(random);
        else if (attribute.HasI)
            attribute.I = Number(random);
        else if (attribute.HasF)
            attribute.F = random.Next(4) switch { 0 => 0, 1 => float.NaN, 2 => float.PositiveInfinity, _ => -attribute.F };
        else if (attribute.HasS)
            attribute.S = ByteString.CopyFromUtf8(random.Next(2) == 0 ? "" : "other");
        else if (attribute.T is { } tensor)
            Elements(random, tensor);
    }

    private static void Elements(Random random, TensorProto tensor)
    {
        if (tensor.Int64Data.Count > 0)
            tensor.Int64Data[random.Next(tensor.Int64Data.Count)] = Number(random);
        else if (tensor.HasRawData && tensor.RawData.Length > 0)
        {
            byte[] raw = tensor.RawData.ToByteArray();
            raw[random.Next(raw.Length)] = (byte)random.Next(256);
            tensor.RawData = ByteString.CopyFrom(raw);
        }
        else if (tensor.Dims.Count > 0)
            tensor.Dims[random.Next(tensor.Dims.Count)] = Number(random);
    }
}
