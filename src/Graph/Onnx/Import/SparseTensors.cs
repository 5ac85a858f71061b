using System.Runtime.InteropServices;
using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>Sparse tensors are written out: no backend computes with them.</summary>
internal static class SparseTensors
{
    private const long BytesMax = 256L << 20;

    /// <summary>Whether values and indices belong together; nothing is written out.</summary>
    /// <exception cref="OnnxException">They contradict one another.</exception>
    public static (ElementType Element, Shape Shape) Check(SparseTensorProto sparse, TensorReader reader, OnnxLimits limits)
    {
        var places = Places(sparse, reader, limits, out var element, out var shape);
        foreach (long at in places)
        {
            if (at < 0 || at >= shape.Count)
                throw new OnnxException($"{Name(sparse)} of {shape} has an index outside of it");
        }

        return (element, shape);
    }

    /// <exception cref="OnnxException">Values and indices contradict one another.</exception>
    /// <exception cref="OnnxTooLargeException">Written out it would be too large.</exception>
    public static TensorProto ToDense(SparseTensorProto sparse, TensorReader reader, OnnxLimits limits)
    {
        var (element, shape) = Check(sparse, reader, limits);
        if (reader.Read(sparse.Values) is not HostTensor values)
            throw new OnnxUnsupportedException($"{Name(sparse)} holds texts");
        int size = values.Type.DType.Size();
        if (shape.Count > BytesMax / size)
            throw new OnnxTooLargeException($"{Name(sparse)} of {shape} would have more than {BytesMax >> 20:N0} MiB written out");
        var dense = new byte[shape.Count * size];
        int value = 0;
        foreach (long at in Places(sparse, reader, limits, out _, out _))
            values.Data.Span.Slice(value++ * size, size).CopyTo(dense.AsSpan((int)at * size));
        var tensor = new TensorProto
        {
            Name = sparse.Values.Name,
            DataType = sparse.Values.DataType,
            RawData = ByteString.CopyFrom(Packing.Pack(element, dense, shape.Count)),
        };
        tensor.Dims.AddRange(sparse.Dims);
        return tensor;
    }

    /// <summary>Where each value lies among the elements; −1 outside of them.</summary>
    private static IEnumerable<long> Places(SparseTensorProto sparse, TensorReader reader, OnnxLimits limits, out ElementType element, out Shape shape)
    {
        if (sparse.Values is null)
            throw new OnnxException("a sparse tensor has no values");
        shape = TensorReader.ShapeOf(sparse.Dims, limits, () => Name(sparse));
        (element, var values) = reader.Check(sparse.Values);
        if (values.Rank != 1)
            throw new OnnxException($"the values of {Name(sparse)} are no list");
        if (sparse.Indices is null && values.Count == 0)
            return [];
        var (type, form) = reader.Check(sparse.Indices ?? new TensorProto { DataType = (int)ElementType.Int64, Dims = { 0 } });
        if (type != ElementType.Int64 || !(form == values || form == values.Append(shape.Rank)))
            throw new OnnxException($"{Name(sparse)} has {values.Count:N0} values and indices {type.Name()}{form}");
        return Places(((HostTensor)reader.Read(sparse.Indices!)).Data, form, shape);
    }

    private static IEnumerable<long> Places(ReadOnlyMemory<byte> indices, Shape form, Shape shape)
    {
        long Number(long i) => MemoryMarshal.Cast<byte, long>(indices.Span)[(int)i];
        long[] strides = [.. shape.ContiguousStrides()];
        for (long i = 0; i < form[0]; i++)
        {
            long at = form.Rank == 1 ? Number(i) : 0;
            for (int axis = 0; axis < shape.Rank && form.Rank == 2; axis++)
            {
                long along = Number(i * shape.Rank + axis);
                at = along < 0 || along >= shape[axis] ? -1 : at < 0 ? at : at + along * strides[axis];
            }

            yield return at;
        }
    }

    private static string Name(SparseTensorProto sparse) => $"sparse tensor '{sparse.Values.Name}'";
}
