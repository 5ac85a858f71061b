using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>
/// Where every input is a tensor of a known shape, the graph is built, and what does not fit shows. Nothing is said of models that ask for
/// operators we lack, for values that only a run would tell, or for more nodes than are worth a look.
/// </summary>
internal static class ShapeCheck
{
    private const int NodesMax = 100_000;
    private const long ConstantElements = 1024, DimensionMax = 1 << 20, BytesMax = 256L << 20;

    public static void Run(ModelProto model, IExternalData external, OnnxLimits limits)
    {
        var inputs = new Dictionary<string, OnnxValue>();
        foreach (var input in OnnxImporter.Inputs(model))
        {
            if (TypeCheck.Known(input.Type) is not { } known || known.Element is ElementType.String or ElementType.Complex64 or ElementType.Complex128 || known.Shape.Any(d => d > DimensionMax))
                return;
            inputs[input.Name] = new GraphTensor(known.Element, Placeholder.Create(input.Name, new TensorType(known.Element.Storage(), known.Shape), BlockKind.Input));
        }

        var said = model.Graph.ValueInfo.Where(v => v.Type?.TensorType is not null).DistinctBy(v => v.Name).ToDictionary(v => v.Name, v => v.Type);
        var context = new ImportContext { External = external, Limits = limits, NodesMax = NodesMax, DimensionMax = DimensionMax, BytesMax = BytesMax, Stand = Large, Made = Said };
        try
        {
            var outputs = new OnnxImporter(model, context).Run(inputs);
            for (int i = 0; i < outputs.Length; i++)
            {
                if (outputs[i] is GraphTensor tensor && model.Graph.Output[i] is var output && output.Type is not null && !TypeCheck.Fits(output.Type, tensor.Element, tensor.Tensor.Shape))
                    throw new OnnxException($"output '{output.Name}' would be {tensor.Element.Name()}{tensor.Tensor.Shape}, which it says it is not");
            }
        }
        catch (OnnxUnsupportedException)
        {
            // Form, not coverage, is what is judged.
        }
        catch (Exception e) when (e is OnnxTooLargeException or OutOfMemoryException)
        {
            // A graph that is too large to be built for a look.
        }

        void Said(string name, OnnxValue value)
        {
            if (value is GraphTensor tensor && said.TryGetValue(name, out var type) && !TypeCheck.Fits(type, tensor.Element, tensor.Tensor.Shape))
                throw new OnnxException($"'{name}' would be {tensor.Element.Name()}{tensor.Tensor.Shape}, which the graph says it is not");
        }
    }

    /// <summary>Values of large tensors decide no shape, and nobody needs a copy of them.</summary>
    private static Tensor? Large(string name, ElementType element, Shape shape) => shape.Count > ConstantElements && (element.IsFloat() || element.IsInteger() || element == ElementType.Bool)
        ? Placeholder.Create($"initialiser {name}", new TensorType(element.Storage(), shape), BlockKind.Variable) : null;
}
