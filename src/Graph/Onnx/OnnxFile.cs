using Google.Protobuf;
using Google.Protobuf.Reflection;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx;

/// <summary>Bytes to messages and back. Whatever is read is checked against the limits before memory is taken for it.</summary>
public static class OnnxFile
{
    /// <exception cref="OnnxException">The bytes are no model, or ask for too much.</exception>
    public static ModelProto ReadModel(ReadOnlySpan<byte> data, OnnxLimits? limits = null) => Parse(data, ModelProto.Parser, ModelProto.Descriptor, limits);

    /// <summary>The same without a copy of the whole file in memory beside the model.</summary>
    /// <param name="file">From where it stands on; can be sought.</param>
    /// <exception cref="OnnxException"/>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ModelProto ReadModel(Stream file, OnnxLimits? limits = null)
    {
        long start = file.Position;
        WireCheck.Run(new WireBytes(file), ModelProto.Descriptor, limits ?? OnnxLimits.Default);
        file.Position = start;
        try
        {
            return ModelProto.Parser.WithDiscardUnknownFields(true).ParseFrom(file);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Wrong(ModelProto.Descriptor, e);
        }
    }

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
        WireCheck.Run(new WireBytes(data), type, limits ?? OnnxLimits.Default);
        try
        {
            return parser.WithDiscardUnknownFields(true).ParseFrom(data);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Wrong(type, e);
        }
    }

    private static OnnxException Wrong(MessageDescriptor type, InvalidProtocolBufferException e) => new($"it is no {type.Name}: {e.Message}", e);
}
