using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>The body of a function of domain <c>singa</c> while it is put together, node by node.</summary>
internal sealed class FunctionDraft
{
    public const long Version = 1;

    public const long OpsetVersion = 21;

    private readonly FunctionProto function = new() { Domain = SingaDomain };

    public FunctionDraft(IEnumerable<string> inputs, IEnumerable<string> outputs, params IEnumerable<string> attributes)
    {
        function.Input.AddRange(inputs);
        function.Output.AddRange(outputs);
        function.Attribute.AddRange(attributes);
        function.OpsetImport.AddRange(Opsets());
    }

    public const string SingaDomain = "singa";

    public FunctionProto Function => function;

    public static IEnumerable<OperatorSetIdProto> Opsets() =>
        [new OperatorSetIdProto { Domain = "", Version = OpsetVersion }, new OperatorSetIdProto { Domain = SingaDomain, Version = Version }];

    /// <summary>As in <c>"y = Add(a, b)"</c>, or <c>singa.NotEqual</c>.</summary>
    public FunctionDraft Node(string text, params ReadOnlySpan<AttributeProto> attributes)
    {
        string[] sides = text.Split(" = ");
        int open = sides[1].IndexOf('(');
        string[] inputs = sides[1][(open + 1)..^1].Split(", ", StringSplitOptions.RemoveEmptyEntries);
        string name = sides[1][..open];
        bool ours = name.StartsWith(SingaDomain + ".", StringComparison.Ordinal);
        var node = new NodeProto { OpType = ours ? name[(SingaDomain.Length + 1)..] : name };
        if (ours)
            node.Domain = SingaDomain;
        node.Input.AddRange(inputs);
        node.Output.AddRange(sides[0].Split(", "));
        foreach (var attribute in attributes)
            node.Attribute.Add(attribute);
        function.Node.Add(node);
        return this;
    }

    /// <summary>A constant of the whole numbers, Int64: a scalar or a list.</summary>
    public FunctionDraft Longs(string name, params ReadOnlySpan<long> values) => Node($"{name} = Constant()", Attributes.Ints("value_ints", values.ToArray()));
}
