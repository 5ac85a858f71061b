using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>Pointwise ops that are standard operators: where label and program are those that the operator is built with.</summary>
internal static class PointwiseForm
{
    public static Written? Catalog(Node node, string name, string catalog) => PointwiseCatalog.Get(catalog) is var entry && entry.Arity == node.Inputs.Length
        ? Of(node, name, catalog, entry.Body) : null;

    public static Written? Of(Node node, string name, string label, Func<Scalar[], Scalar> body)
    {
        if (node.Op is not Pointwise op || op.Label != label)
            return null;
        var arguments = op.Body.Arguments.Select((type, i) => Scalar.Argument(i, type)).ToArray();
        return op.Body.Equals(ScalarBody.Compile(op.Body.Arguments, body(arguments))) ? new Written(name, [.. node.Inputs.Select(i => (WrittenInput)i)]) : null;
    }
}
