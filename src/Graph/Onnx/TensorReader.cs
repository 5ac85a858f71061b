using System.Runtime.InteropServices;
using System.Text.Unicode;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx;

/// <summary>From a file's tensors to values: whichever of its fields has the elements, as many as the dimensions say.</summary>
public sealed class TensorReader(OnnxLimits limits, IExternalData? external = null)
{
    /// <exception cref="OnnxException">The tensor contradicts itself.</exception>
    /// <exception cref="OnnxUnsupportedException">Its elements are of a type that is not computed with.</exception>
    public OnnxValue Read(TensorProto tensor)
    {
        var (element, shape) = TypeOf(tensor);
        if (element == ElementType.String)
        {
            Check(tensor);
            return new HostTexts(shape, tensor.StringData.Select(s => s.ToStringUtf8()).ToSeq());
        }


        element.Storage();
        return new HostTensor(element, shape, Packing.Unpack(element, Raw(tensor, element, shape), shape.Count));
    }

    /// <summary>Whether the tensor is what it says: type, dimensions, and as many elements. Nothing of its data is copied.</summary>
    /// <exception cref="OnnxException">It is not.</exception>
    public (ElementType Element, Shape Shape) Check(TensorProto tensor)
    {
        var (element, shape) = TypeOf(tensor);
        if (Filled(tensor) > 1)
            throw Wrong(tensor, "has its elements in more than one field");
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
            (external ?? NoExternalData.Instance).Check(tensor, Packing.Bytes(element, shape.Count));
        else if (element == ElementType.String || !tensor.HasRawData)
            CheckFields(tensor, element, shape);
        else if (tensor.RawData.Length != Packing.Bytes(element, shape.Count))
            throw Wrong(tensor, $"has {tensor.RawData.Length:N0} bytes of data for {element.Name()}{shape}");
        return (element, shape);
    }

    private (ElementType, Shape) TypeOf(TensorProto tensor)
    {
        if (!ElementTypes.IsKnown(tensor.DataType))
            throw Wrong(tensor, $"has elements of type {tensor.DataType}, which the format does not have");
        if (tensor.Segment is not null)
            throw Wrong(tensor, "is a segment of another one, which nobody writes");
        return ((ElementType)tensor.DataType, ShapeOf(tensor.Dims, limits, () => Name(tensor)));
    }

    /// <exception cref="OnnxException">A dimension is negative, or there are too many elements.</exception>
    internal static Shape ShapeOf(IReadOnlyList<long> dims, OnnxLimits limits, Func<string> name)
    {
        if (dims.Count > limits.Rank)
            throw new OnnxException($"{name()} has {dims.Count} dimensions; {limits.Rank} is the most");
        long count = 1;
        foreach (long dim in dims)
        {
            if (dim < 0)
                throw new OnnxException($"{name()} has a dimension of {dim}");
            // Dimensions beside one of 0 are bounded as well: strides are products of them.
            if (count > limits.Elements / Math.Max(dim, 1))
                throw new OnnxException($"{name()} of [{string.Join(", ", dims)}] has more elements than {limits.Elements:N0}");
            count *= Math.Max(dim, 1);
        }

        return Shape.Of([.. dims]);
    }

    private ReadOnlyMemory<byte> Raw(TensorProto tensor, ElementType element, Shape shape)
    {
        Check(tensor);
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
            return (external ?? NoExternalData.Instance).Read(tensor, Packing.Bytes(element, shape.Count));
        if (tensor.HasRawData)
            return tensor.RawData.Memory;
        return element switch
        {
            ElementType.Float => Bytes<float>([.. tensor.FloatData]),
            ElementType.Double => Bytes<double>([.. tensor.DoubleData]),
            ElementType.Int32 => Bytes<int>([.. tensor.Int32Data]),
            ElementType.Int64 => Bytes<long>([.. tensor.Int64Data]),
            ElementType.UInt64 => Bytes<ulong>([.. tensor.Uint64Data]),
            ElementType.UInt32 => Bytes<uint>([.. tensor.Uint64Data.Select(v => (uint)v)]),
            _ when element.Bits() == 16 => Bytes<ushort>([.. tensor.Int32Data.Select(v => (ushort)v)]),
            _ => Bytes<byte>([.. tensor.Int32Data.Select(v => (byte)v)]),
        };
    }

    private static byte[] Bytes<T>(T[] values) where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static void CheckFields(TensorProto tensor, ElementType element, Shape shape)
    {
        long have = element switch
        {
            ElementType.Float or ElementType.Complex64 => tensor.FloatData.Count,
            ElementType.Double or ElementType.Complex128 => tensor.DoubleData.Count,
            ElementType.Int64 => tensor.Int64Data.Count,
            ElementType.UInt32 or ElementType.UInt64 => tensor.Uint64Data.Count,
            ElementType.String => tensor.StringData.Count,
            _ => tensor.Int32Data.Count,
        };
        long need = element switch
        {
            ElementType.Complex64 or ElementType.Complex128 => 2 * shape.Count,
            _ when element.Bits() is 2 or 4 => Packing.Bytes(element, shape.Count),
            _ => shape.Count,
        };
        if (have != need)
            throw Wrong(tensor, $"has {have:N0} values for {element.Name()}{shape}");
        foreach (var text in tensor.StringData)
        {
            if (!Utf8.IsValid(text.Span))
                throw Wrong(tensor, "has a text that is no UTF-8");
        }
    }

    /// <summary>In how many fields there are elements.</summary>
    private static int Filled(TensorProto tensor) => new[]
    {
        tensor.FloatData.Count, tensor.DoubleData.Count, tensor.Int32Data.Count, tensor.Int64Data.Count, tensor.Uint64Data.Count, tensor.StringData.Count,
        tensor.RawData.Length, tensor.DataLocation == TensorProto.Types.DataLocation.External ? 1 : 0,
    }.Count(n => n > 0);

    private static string Name(TensorProto tensor) => tensor.Name.Length == 0 ? "a tensor" : $"tensor '{tensor.Name}'";

    internal static OnnxException Wrong(TensorProto tensor, string what, Exception? inner = null) => new($"{Name(tensor)} {what}", inner);
}
