using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>A graph and the graphs in its nodes: names are made once, in an order in which they can be read, and types agree.</summary>
internal sealed class GraphCheck(TensorReader reader, OnnxLimits limits, ImmutableDictionary<string, long> opsets, long irVersion, bool inFunction = false)
{
    // From this version on an initialiser need not be an input as well.
    private const long IrVersionOfFreeInitialisers = 4;

    /// <param name="outer">What the graph may read beside its own.</param>
    /// <exception cref="OnnxException"/>
    public void Run(GraphProto graph, Scope? outer)
    {
        if (graph.Name.Length == 0)
            throw new OnnxException("a graph has no name");
        var scope = new Scope(outer);
        var inputs = new Dictionary<string, TypeProto?>(StringComparer.Ordinal);
        foreach (var input in graph.Input)
        {
            Typed(input, "input", required: outer is null);
            if (!inputs.TryAdd(input.Name, input.Type))
                throw new OnnxException($"input '{input.Name}' stands twice");
            scope.Add(input.Name, TypeName.Of(input.Type));
        }

        Initialisers(graph, inputs, scope);
        var said = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var info in graph.ValueInfo)
        {
            Typed(info, "value", required: false);
            Say(info);
        }

        foreach (var output in graph.Output)
        {
            Typed(output, "output", required: outer is null);
            Say(output);
        }

        Nodes(graph.Node, scope, said);
        Outputs(graph, scope);

        void Say(ValueInfoProto value)
        {
            if (TypeName.Of(value.Type) is { } type && said.TryAdd(value.Name, type) is false && said[value.Name] != type)
                throw new OnnxException($"'{value.Name}' is said to be {said[value.Name]} and to be {type}");
        }
    }

    /// <summary>Nodes in their order; what they make is added to the scope.</summary>
    /// <param name="said">Types that the graph says of what its nodes make.</param>
    /// <exception cref="OnnxException"/>
    public void Nodes(IEnumerable<NodeProto> nodes, Scope scope, IReadOnlyDictionary<string, string> said)
    {
        foreach (var node in nodes)
        {
            string name = OnnxImporter.Name(node), domain = Frame.Domain(node.Domain);
            if (node.OpType.Length == 0)
                throw new OnnxException($"{(node.Name.Length > 0 ? $"node '{node.Name}'" : "a node")} has no operator");
            if (!opsets.ContainsKey(domain) && opsets.Count > 0)
                throw new OnnxException($"{name} is of domain '{domain}', of which no version is imported");
            if (node.Input.FirstOrDefault(i => i.Length > 0 && !scope.Has(i)) is { } unknown)
                throw new OnnxException($"{name} reads '{unknown}', which nothing before it makes");
            Attributes(node, name, scope);
            string?[] types = Types(node, name, scope, opsets.GetValueOrDefault(domain));
            for (int i = 0; i < node.Output.Count; i++)
            {
                string output = node.Output[i];
                string? type = i < types.Length ? types[i] : null;
                if (said.TryGetValue(output, out string? other) && type is not null && other != type)
                    throw new OnnxException($"{name} makes '{output}' of type {type}, and the graph says that it is {other}");
                if (output.Length > 0 && !scope.Add(output, type ?? other))
                    throw new OnnxException($"{name} makes '{output}', which is made before it");
            }
        }
    }

    private string?[] Types(NodeProto node, string name, Scope scope, long version)
    {
        if (OperatorForms.Find(node, version) is not { } form)
            return [];
        OperatorForms.Check(node, name, form);
        return new NodeTypes(node, name, form).Check([.. node.Input.Select(scope.TypeOf)]);
    }

    private static void Outputs(GraphProto graph, Scope scope)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var output in graph.Output)
        {
            if (!scope.Has(output.Name))
                throw new OnnxException($"output '{output.Name}' is made by no node");
            if (!seen.Add(output.Name))
                throw new OnnxException($"output '{output.Name}' stands twice");
            if (TypeName.Of(output.Type) is { } said && scope.TypeOf(output.Name) is { } type && said != type)
                throw new OnnxException($"output '{output.Name}' is said to be {said} and is {type}");
        }
    }

    private void Initialisers(GraphProto graph, Dictionary<string, TypeProto?> inputs, Scope scope)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in graph.Initializer)
        {
            var (element, shape) = reader.Check(tensor);
            Add(tensor.Name, element, shape);
        }

        foreach (var sparse in graph.SparseInitializer)
        {
            var (element, shape) = SparseTensors.Check(sparse, reader, limits);
            Add(sparse.Values.Name, element, shape);
        }

        void Add(string name, ElementType element, Shape shape)
        {
            if (name.Length == 0 || !seen.Add(name))
                throw new OnnxException(name.Length == 0 ? "an initialiser has no name" : $"initialiser '{name}' stands twice");
            if (!inputs.TryGetValue(name, out var type))
            {
                if (irVersion < IrVersionOfFreeInitialisers && scope.Outer is null)
                    throw new OnnxException($"initialiser '{name}' is no input, as it must be in a model of ir_version {irVersion}");
                scope.Add(name, element.Name());
            }
            else if (type is not null && !TypeCheck.Fits(type, element, shape))
            {
                throw new OnnxException($"initialiser '{name}' is {element.Name()}{shape}, which input '{name}' is not");
            }
        }
    }

    private void Typed(ValueInfoProto value, string what, bool required)
    {
        if (value.Name.Length == 0)
            throw new OnnxException($"an {what} has no name".Replace("an value", "a value"));
        if (required || (value.Type is not null && value.Type.ValueCase != TypeProto.ValueOneofCase.None))
            TypeCheck.Run(value.Type, $"{what} '{value.Name}'", limits);
    }

    private void Attributes(NodeProto node, string name, Scope scope)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var attribute in node.Attribute)
        {
            if (attribute.Name.Length == 0 || !seen.Add(attribute.Name))
                throw new OnnxException(attribute.Name.Length == 0 ? $"{name} has an attribute without a name" : $"{name} has attribute {attribute.Name} twice");
            AttributeForm.Check(attribute, name, inFunction, irVersion);
            foreach (var tensor in attribute.Tensors.Prepend(attribute.T).OfType<TensorProto>())
                reader.Check(tensor);
            foreach (var sparse in attribute.SparseTensors.Prepend(attribute.SparseTensor).OfType<SparseTensorProto>())
                SparseTensors.Check(sparse, reader, limits);
            foreach (var type in attribute.TypeProtos.Prepend(attribute.Tp).OfType<TypeProto>())
                TypeCheck.Run(type, $"attribute {attribute.Name} of {name}", limits);
            foreach (var graph in attribute.Graphs.Prepend(attribute.G).OfType<GraphProto>())
                Run(graph, scope);
        }
    }
}
