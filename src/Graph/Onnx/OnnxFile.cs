using Google.Protobuf;
using Google.Protobuf.Reflection;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx;

/// <summary>Bytes to messages and back. Whatever is read is checked against the limits before memory is taken for it.</summary>
public static class OnnxFile
{
    /// <exception cref="OnnxException">The bytes are no model, or ask for too much.</exception>
    public static ModelProto ReadModel(ReadOnlySpan<byte> data, OnnxLimits? limits = null) => Parse(data, ModelProto.Parser, ModelProto.Descriptor, limits);

    /// <exception cref="OnnxException"/>
    public static TensorProto ReadTensor(ReadOnlySpan<byte> data, OnnxLimits? limits = null) => Parse(data, TensorProto.Parser, TensorProto.Descriptor, limits);

    /// <exception cref="OnnxException"/>
    public static SequenceProto ReadSequence(ReadOnlySpan<byte> data, OnnxLimits? limits = null) =>
        Parse(data, SequenceProto.Parser, SequenceProto.Descriptor, limits);

    /// <exception cref="OnnxException"/>
    public static OptionalProto ReadOptional(ReadOnlySpan<byte> data, OnnxLimits? limits = null) =>
        Parse(data, OptionalProto.Parser, OptionalProto.Descriptor, limits);

    /// <summary>Equal models are equal bytes.</summary>
    public static byte[] Write(ModelProto model) => model.ToByteArray();

    /// <summary>A tensor with its elements as <c>raw_data</c>; texts as <c>string_data</c>.</summary>
    public static TensorProto ToProto(OnnxValue value, string name = "")
    {
        var proto = new TensorProto();
        if (name.Length > 0)
            proto.Name = name;
        if (value is HostTexts texts)
        {
            proto.Dims.AddRange(texts.Shape);
            proto.DataType = (int)ElementType.String;
            proto.StringData.AddRange(texts.Texts.Select(ByteString.CopyFromUtf8));
            return proto;
        }

        var tensor = (HostTensor)value;
        proto.Dims.AddRange(tensor.Shape);
        proto.DataType = (int)tensor.Element;
        proto.RawData = UnsafeByteOperations.UnsafeWrap(Packing.Pack(tensor.Element, tensor.Data.Span, tensor.Shape.Count));
        return proto;
    }

    private static T Parse<T>(ReadOnlySpan<byte> data, MessageParser<T> parser, MessageDescriptor type, OnnxLimits? limits) where T : IMessage<T>
    {
        limits ??= OnnxLimits.Default;
        if (data.Length > limits.FileBytes)
            throw new OnnxException($"it has {data.Length:N0} bytes; {limits.FileBytes:N0} is the most");
        WireCheck.Run(data, type, limits);
        try
        {
            return parser.WithDiscardUnknownFields(true).ParseFrom(data);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnnxException($"it is no {type.Name}: {e.Message}", e);
        }
    }
}
