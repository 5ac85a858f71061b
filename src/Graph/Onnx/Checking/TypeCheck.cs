using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>Types as models write them down.</summary>
internal static class TypeCheck
{
    /// <exception cref="OnnxException"/>
    public static void Run(TypeProto? type, string what, OnnxLimits limits)
    {
        switch (type?.ValueCase ?? TypeProto.ValueOneofCase.None)
        {
            case TypeProto.ValueOneofCase.TensorType:
                Tensor(type!.TensorType.ElemType, type.TensorType.Shape, what, limits);
                break;
            case TypeProto.ValueOneofCase.SparseTensorType:
                Tensor(type!.SparseTensorType.ElemType, type.SparseTensorType.Shape, what, limits);
                break;
            case TypeProto.ValueOneofCase.SequenceType:
                Run(type!.SequenceType.ElemType, what, limits);
                break;
            case TypeProto.ValueOneofCase.OptionalType:
                Run(type!.OptionalType.ElemType, what, limits);
                break;
            case TypeProto.ValueOneofCase.MapType:
                var key = (ElementType)type!.MapType.KeyType;
                if (!key.IsInteger() && key != ElementType.String)
                    throw new OnnxException($"{what} is a map by keys of type {type.MapType.KeyType}");
                Run(type.MapType.ValueType, what, limits);
                break;
            default:
                throw new OnnxException($"{what} has no type");
        }
    }

    private static void Tensor(int element, TensorShapeProto? shape, string what, OnnxLimits limits)
    {
        if (!ElementTypes.IsKnown(element))
            throw new OnnxException($"{what} has elements of type {element}, which the format does not have");
        if (shape is null)
            return;
        // −1 is how some say that they do not know.
        if (shape.Dim.FirstOrDefault(d => d.HasDimValue && d.DimValue < -1) is { } wrong)
            throw new OnnxException($"{what} has a dimension of {wrong.DimValue}");
        TensorReader.ShapeOf([.. shape.Dim.Select(d => d.HasDimValue && d.DimValue >= 0 ? d.DimValue : 1)], limits, () => what);
    }

    /// <summary>The type of a tensor where every dimension is a number; null of all others.</summary>
    public static (ElementType Element, Shape Shape)? Known(TypeProto? type) =>
        type?.TensorType is { } tensor && tensor.Shape is { } shape && shape.Dim.All(d => d.HasDimValue && d.DimValue >= 0)
            ? ((ElementType)tensor.ElemType, Shape.Of([.. shape.Dim.Select(d => d.DimValue)])) : null;

    /// <summary>Whether a tensor is of the type as far as the type says anything.</summary>
    public static bool Fits(TypeProto? type, ElementType element, Shape shape) => type?.ValueCase switch
    {
        TypeProto.ValueOneofCase.TensorType => (ElementType)type.TensorType.ElemType == element && FitsShape(type.TensorType.Shape, shape),
        TypeProto.ValueOneofCase.SparseTensorType => (ElementType)type.SparseTensorType.ElemType == element && FitsShape(type.SparseTensorType.Shape, shape),
        _ => false,
    };

    private static bool FitsShape(TensorShapeProto? said, Shape shape) =>
        said is null || (said.Dim.Count == shape.Rank && said.Dim.Zip(shape, (d, n) => !d.HasDimValue || d.DimValue < 0 || d.DimValue == n).All(f => f));
}
