using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>The types of a node's inputs against those its operator takes, and what follows for its outputs.</summary>
internal sealed class NodeTypes(NodeProto node, string name, OperatorForm form)
{
    private readonly Dictionary<string, string> variables = [];

    /// <param name="known">The types of the inputs; null of those that are not known or left out.</param>
    /// <returns>The types of the outputs as far as they follow.</returns>
    /// <exception cref="OnnxException">An input is of a type that the operator does not take, or of another than one that it must be like.</exception>
    public string?[] Check(IReadOnlyList<string?> known)
    {
        for (int i = 0; i < known.Count; i++)
        {
            if (known[i] is { } type && OperatorForm.At(form.In, i) is { } place)
                Input(i, type, place);
        }

        return [.. Enumerable.Range(0, node.Output.Count).Select(i => OperatorForm.At(form.Out, i) is { } place ? Output(place) : null)];
    }

    private void Input(int number, string type, Place place)
    {
        if (!IsVariable(place.Type))
        {
            if (type != place.Type)
                throw Wrong(number, type, place.Type);
            return;
        }

        if (form.Types.TryGetValue(place.Type, out var allowed) && !allowed.Contains(type))
            throw Wrong(number, type, string.Join(" or ", allowed));
        if (place.IsAlike && !variables.TryAdd(place.Type, type) && variables[place.Type] != type)
            throw new OnnxException($"input {number} of {name} is {type}, another {variables[place.Type]}; {node.OpType} takes both of one type");
    }

    private string? Output(Place place) => !IsVariable(place.Type) ? place.Type
        : !place.IsAlike ? null
        : variables.TryGetValue(place.Type, out string? bound) ? bound
        : Attribute() is { } said ? said
        : form.Types.TryGetValue(place.Type, out var allowed) && allowed.Length == 1 ? allowed[0] : null;

    /// <summary>Where an attribute says it.</summary>
    private string? Attribute() => node.OpType switch
    {
        "Cast" => TypeName.Of(node.Attribute.FirstOrDefault(a => a.Name == "to" && a.HasI)?.I ?? 0),
        "Constant" or "ConstantOfShape" => TypeName.Of(node.Attribute.FirstOrDefault(a => a.Name == "value")?.T?.DataType ?? 0),
        _ => null,
    };

    /// <summary>Types begin with a small letter, variables with a capital.</summary>
    private static bool IsVariable(string type) => char.IsUpper(type[0]);

    private OnnxException Wrong(int number, string type, string right) =>
        new($"input {number} of {name} is {type}; {node.OpType} takes {(right.Length <= 100 ? right : right[..100] + "…")} there");
}
