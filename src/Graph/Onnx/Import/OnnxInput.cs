using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>Samples as a model's input wants them.</summary>
internal static class OnnxInput
{
    /// <summary>
    /// Whole numbers become the input's whole numbers, floating ones its floating ones. A sample has the input's dimensions or, where they are as many
    /// values, is brought to them.
    /// </summary>
    /// <exception cref="OnnxException">They do not fit.</exception>
    public static GraphTensor Fit(ValueInfoProto input, Tensor samples)
    {
        if (input.Type?.TensorType is not { } type)
            throw new OnnxException($"input '{input.Name}' is no tensor");
        // A sample of our own kind of bytes is what the file says, too.
        var element = ElementTypes.IsKnown(type.ElemType) ? (ElementType)type.ElemType : ElementTypes.Of(samples.DType);
        bool same = ElementTypes.Of(samples.DType) == element;
        if (!same && (samples.DType == DType.Bool || element.IsFloat() != samples.DType.IsFloat() && samples.DType != DType.UInt8 || !element.IsFloat() && !element.IsInteger()))
            throw Wrong();
        var shaped = samples.Reshape(Target());
        return new GraphTensor(element, same ? shaped : Operators.Narrowing.To(element, shaped));

        Shape Target()
        {
            if (type.Shape is not { } shape)
                return samples.Shape;
            var dims = shape.Dim.Skip(1).Select(d => d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? d.DimValue : -1).ToArray();
            if (shape.Dim.Count == samples.Shape.Rank && dims.Zip(samples.Shape.Skip(1), (d, s) => d < 0 || d == s).All(fits => fits))
                return samples.Shape;
            return dims.Length > 0 && dims.All(d => d > 0) && dims.Aggregate(1L, (n, d) => n * d) * samples.Shape[0] == samples.Shape.Count
                ? Shape.Of([samples.Shape[0], .. dims]) : throw Wrong();
        }

        OnnxException Wrong() => new($"input '{input.Name}' takes {element.Name()}[{string.Join(", ", type.Shape?.Dim.Select(Dim) ?? ["…"])}], and the samples are {new TensorType(samples.DType, samples.Shape.RemoveAt(0))}");

        static string Dim(TensorShapeProto.Types.Dimension dim, int axis) => dim.ValueCase switch
        {
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue => $"{dim.DimValue}",
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam => dim.DimParam,
            _ => "?",
        };
    }
}
