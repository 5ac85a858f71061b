using Singa.Actors.Graph.Onnx.Schema;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>An attribute says what it is and has that, and nothing else.</summary>
internal static class AttributeForm
{
    public static void Check(AttributeProto attribute, string node, bool inFunction, long irVersion)
    {
        string what = $"attribute {attribute.Name} of {node}";
        var has = Filled(attribute);
        if (attribute.RefAttrName.Length > 0)
        {
            if (!inFunction || has.Count > 0)
                throw new OnnxException(inFunction ? $"{what} has a value and refers to another" : $"{what} refers to an attribute of a function, and there is none around it");
            return;
        }

        // The first versions left the type out.
        if (!attribute.HasType || attribute.Type == Kind.Undefined)
        {
            if (irVersion >= 2 || has.Count != 1)
                throw new OnnxException($"{what} has no type");
            return;
        }

        if (has.Any(kind => kind != attribute.Type) || (has.Count == 0 && Needs(attribute.Type)))
            throw new OnnxException($"{what} is of type {attribute.Type} and has {(has.Count == 0 ? "no value" : string.Join(" and ", has))}");
    }

    /// <summary>Lists may be empty; what is one value must be there. Numbers and texts are written even where they are 0 or empty, or else left out.</summary>
    private static bool Needs(Kind type) => type is Kind.Tensor or Kind.Graph or Kind.SparseTensor or Kind.TypeProto;

    private static List<Kind> Filled(AttributeProto a)
    {
        var kinds = new List<Kind>();
        Add(a.HasF, Kind.Float);
        Add(a.HasI, Kind.Int);
        Add(a.HasS, Kind.String);
        Add(a.T is not null, Kind.Tensor);
        Add(a.G is not null, Kind.Graph);
        Add(a.SparseTensor is not null, Kind.SparseTensor);
        Add(a.Tp is not null, Kind.TypeProto);
        Add(a.Floats.Count > 0, Kind.Floats);
        Add(a.Ints.Count > 0, Kind.Ints);
        Add(a.Strings.Count > 0, Kind.Strings);
        Add(a.Tensors.Count > 0, Kind.Tensors);
        Add(a.Graphs.Count > 0, Kind.Graphs);
        Add(a.SparseTensors.Count > 0, Kind.SparseTensors);
        Add(a.TypeProtos.Count > 0, Kind.TypeProtos);
        return kinds;

        void Add(bool there, Kind kind)
        {
            if (there)
                kinds.Add(kind);
        }
    }
}
