using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Checking;

/// <summary>A graph and the graphs in its nodes: names are made once, in an order in which they can be read.</summary>
internal sealed class GraphCheck(TensorReader reader, OnnxLimits limits, ImmutableDictionary<string, long> opsets, long irVersion, bool inFunction = false)
{
    /// <summary>Names that are known, here and around.</summary>
    private sealed class Names(Names? outer)
    {
        private readonly HashSet<string> own = new(StringComparer.Ordinal);

        public bool Has(string name) => own.Contains(name) || (outer?.Has(name) ?? false);

        public bool Add(string name) => own.Add(name);

        public static Names Inside(object? outer) => new((Names?)outer);
    }

    /// <param name="surrounding">Names that the graph may read beside its own, as <see cref="NamesOf"/> makes them.</param>
    public void Run(GraphProto graph, object? surrounding)
    {
        var names = Names.Inside(surrounding);
        var inputs = new Dictionary<string, TypeProto?>(StringComparer.Ordinal);
        foreach (var input in graph.Input)
        {
            Typed(input, "input", required: surrounding is null);
            if (!inputs.TryAdd(input.Name, input.Type))
                throw new OnnxException($"input '{input.Name}' stands twice");
            names.Add(input.Name);
        }

        Initialisers(graph, inputs, names);
        foreach (var info in graph.ValueInfo)
            Typed(info, "value", required: false);
        Nodes(graph.Node, names);
        foreach (var output in graph.Output)
        {
            Typed(output, "output", required: surrounding is null);
            if (!names.Has(output.Name))
                throw new OnnxException($"output '{output.Name}' is made by no node");
        }
    }

    public static object NamesOf(IEnumerable<string> made)
    {
        var names = new Names(null);
        foreach (string name in made)
        {
            if (!names.Add(name))
                throw new OnnxException($"'{name}' stands twice");
        }

        return names;
    }

    /// <param name="names">As <see cref="NamesOf"/> makes them; what the nodes make is added.</param>
    public void Nodes(IEnumerable<NodeProto> nodes, object names)
    {
        var known = (Names)names;
        foreach (var node in nodes)
        {
            string name = OnnxImporter.Name(node);
            if (node.OpType.Length == 0)
                throw new OnnxException($"{(node.Name.Length > 0 ? $"node '{node.Name}'" : "a node")} has no operator");
            if (!opsets.ContainsKey(Frame.Domain(node.Domain)) && opsets.Count > 0)
                throw new OnnxException($"{name} is of domain '{node.Domain}', of which no version is imported");
            if (node.Input.FirstOrDefault(i => i.Length > 0 && !known.Has(i)) is { } unknown)
                throw new OnnxException($"{name} reads '{unknown}', which nothing before it makes");
            Attributes(node, name, known);
            OperatorForms.Check(node, name, opsets.GetValueOrDefault(Frame.Domain(node.Domain)));
            if (node.Output.FirstOrDefault(o => o.Length > 0 && !known.Add(o)) is { } twice)
                throw new OnnxException($"{name} makes '{twice}', which is made before it");
        }
    }

    private void Initialisers(GraphProto graph, Dictionary<string, TypeProto?> inputs, Names names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in graph.Initializer)
        {
            var (element, shape) = reader.Check(tensor);
            Add(tensor.Name, element, shape);
        }

        foreach (var sparse in graph.SparseInitializer)
        {
            Sparse(sparse);
            Add(sparse.Values.Name, (ElementType)sparse.Values.DataType, Shape.Of([.. sparse.Dims]));
        }

        void Add(string name, ElementType element, Shape shape)
        {
            if (name.Length == 0 || !seen.Add(name))
                throw new OnnxException(name.Length == 0 ? "an initialiser has no name" : $"initialiser '{name}' stands twice");
            if (inputs.TryGetValue(name, out var type) && type is not null && !TypeCheck.Fits(type, element, shape))
                throw new OnnxException($"initialiser '{name}' is {element.Name()}{shape}, which input '{name}' is not");
            names.Add(name);
        }
    }

    private void Typed(ValueInfoProto value, string what, bool required)
    {
        if (value.Name.Length == 0)
            throw new OnnxException($"an {what} has no name".Replace("an value", "a value"));
        if (required || value.Type is not null && value.Type.ValueCase != TypeProto.ValueOneofCase.None)
            TypeCheck.Run(value.Type, $"{what} '{value.Name}'", limits);
    }

    private void Sparse(SparseTensorProto sparse)
    {
        if (sparse.Values is null)
            throw new OnnxException("a sparse tensor has no values");
        reader.Check(sparse.Values);
        if (sparse.Indices is not null)
            reader.Check(sparse.Indices);
        // Written out it shows whether its indices are within it.
        SparseTensors.ToDense(sparse, limits);
    }

    private void Attributes(NodeProto node, string name, Names names)
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
                Sparse(sparse);
            foreach (var type in attribute.TypeProtos.Prepend(attribute.Tp).OfType<TypeProto>())
                TypeCheck.Run(type, $"attribute {attribute.Name} of {name}", limits);
            foreach (var graph in attribute.Graphs.Prepend(attribute.G).OfType<GraphProto>())
                Run(graph, names);
        }
    }
}
