using Google.Protobuf;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Runtime.Onnx.Suite;

/// <summary>Values as test data has them: a message of the kind that the graph's input or output is of.</summary>
internal static class TestValues
{
    private static readonly TensorReader Reader = new(OnnxLimits.Default);

    public static OnnxValue Read(ReadOnlySpan<byte> data, TypeProto? type) => type?.ValueCase switch
    {
        TypeProto.ValueOneofCase.SequenceType => Of(OnnxFile.ReadSequence(data)),
        TypeProto.ValueOneofCase.OptionalType => Of(OnnxFile.ReadOptional(data)),
        TypeProto.ValueOneofCase.MapType or TypeProto.ValueOneofCase.SparseTensorType => throw new OnnxUnsupportedException($"values of kind {type.ValueCase}"),
        _ => Reader.Read(OnnxFile.ReadTensor(data)),
    };

    public static IMessage Write(OnnxValue value) => value switch
    {
        SequenceValue sequence => Of(sequence),
        OptionalValue optional => Of(optional),
        _ => OnnxFile.ToProto(value),
    };

    // Numbers of what a sequence or an optional holds.
    private const int Tensor = 1, SequenceKind = 3, OptionalKind = 5;

    private static SequenceValue Of(SequenceProto proto) => new([
        .. proto.TensorValues.Select(Reader.Read),
        .. proto.SequenceValues.Select(Of),
        .. proto.OptionalValues.Select(Of),
    ]);

    private static OptionalValue Of(OptionalProto proto) => new(
        proto.TensorValue is { } tensor ? Reader.Read(tensor) : proto.SequenceValue is { } sequence ? Of(sequence) : proto.OptionalValue is { } inner ? Of(inner) : null);

    private static SequenceProto Of(SequenceValue value)
    {
        var proto = new SequenceProto { ElemType = value.Items.FirstOrDefault() switch { SequenceValue => SequenceKind, OptionalValue => OptionalKind, _ => Tensor } };
        foreach (var item in value.Items)
        {
            switch (item)
            {
                case SequenceValue sequence: proto.SequenceValues.Add(Of(sequence)); break;
                case OptionalValue optional: proto.OptionalValues.Add(Of(optional)); break;
                default: proto.TensorValues.Add(OnnxFile.ToProto(item)); break;
            }
        }

        return proto;
    }

    private static OptionalProto Of(OptionalValue value) => value.Value switch
    {
        null => new OptionalProto(),
        SequenceValue sequence => new OptionalProto { ElemType = SequenceKind, SequenceValue = Of(sequence) },
        OptionalValue optional => new OptionalProto { ElemType = OptionalKind, OptionalValue = Of(optional) },
        var tensor => new OptionalProto { ElemType = Tensor, TensorValue = OnnxFile.ToProto(tensor) },
    };
}
