using System.Runtime.InteropServices;
using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>Sparse tensors are written out: no backend computes with them.</summary>
internal static class SparseTensors
{
    private const long ElementsMax = 1 << 26;

    /// <exception cref="OnnxException">Values and indices contradict one another.</exception>
    public static TensorProto ToDense(SparseTensorProto sparse, OnnxLimits limits)
    {
        if (sparse.Values is null)
            throw new OnnxException("a sparse tensor has no values");
        string name = $"sparse tensor '{sparse.Values.Name}'";
        var shape = TensorReader.ShapeOf(sparse.Dims, limits, () => name);
        var reader = new TensorReader(limits);
        if (shape.Count > ElementsMax)
            throw new OnnxException($"{name} of {shape} would have more than {ElementsMax:N0} elements written out");
        if (reader.Read(sparse.Values) is not HostTensor { Shape.Rank: 1 } values)
            throw new OnnxException($"the values of {name} are not a list of numbers");
        var indices = sparse.Indices is null && values.Shape.Count == 0 ? null : reader.Read(sparse.Indices ?? new TensorProto()) as HostTensor;
        if (indices is not null && (indices.Element != ElementType.Int64 || !(indices.Shape == values.Shape || indices.Shape == values.Shape.Append(shape.Rank))))
            throw new OnnxException($"{name} has {values} and indices {indices}");
        int size = values.Type.DType.Size();
        var dense = new byte[shape.Count * size];
        var strides = shape.ContiguousStrides();
        var numbers = MemoryMarshal.Cast<byte, long>((indices?.Data ?? default).Span);
        for (int i = 0; i < values.Shape.Count; i++)
        {
            long at = indices!.Shape.Rank == 1 ? numbers[i] : 0;
            for (int axis = 0; axis < shape.Rank && indices.Shape.Rank == 2; axis++)
            {
                long along = numbers[i * shape.Rank + axis];
                at = along < 0 || along >= shape[axis] ? -1 : at < 0 ? at : at + along * strides[axis];
            }

            if (at < 0 || at >= shape.Count)
                throw new OnnxException($"{name} of {shape} has an index outside of it");
            values.Data.Span.Slice(i * size, size).CopyTo(dense.AsSpan((int)at * size));
        }

        var tensor = new TensorProto
        {
            Name = sparse.Values.Name,
            DataType = sparse.Values.DataType,
            RawData = ByteString.CopyFrom(Packing.Pack(values.Element, dense, shape.Count)),
        };
        tensor.Dims.AddRange(sparse.Dims);
        return tensor;
    }
}
