using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// Builds a model's graph from values for its inputs, as a function call does. Shapes are concrete: what a model computes of shapes by nodes is
/// folded on the way, branches and loops are followed, functions are inlined. One importer is for one run through the model.
/// </summary>
public sealed class OnnxImporter
{
    private const int FrameDepthMax = 64;

    private readonly ModelProto model;
    private readonly ImportContext context;
    private readonly HostEvaluator host = new();
    private readonly TensorReader reader;
    private readonly Dictionary<(string, string, string), FunctionProto> functions;
    private readonly long allocated = GC.GetAllocatedBytesForCurrentThread();
    private int nodes;

    public OnnxImporter(ModelProto model, ImportContext? context = null)
    {
        (this.model, this.context) = (model, context ?? new ImportContext());
        reader = new TensorReader(this.context.Limits, this.context.External);
        functions = Coverage.Functions(model);
    }

    /// <summary>Names of the inputs that a caller gives: those that are no initialiser.</summary>
    public static ImmutableArray<ValueInfoProto> Inputs(ModelProto model)
    {
        var initialised = model.Graph.Initializer.Select(i => i.Name).Concat(model.Graph.SparseInitializer.Select(s => s.Values?.Name ?? "")).ToHashSet();
        return [.. model.Graph.Input.Where(i => !initialised.Contains(i.Name))];
    }

    /// <summary>The values of the graph's outputs, in their order.</summary>
    /// <param name="inputs">By name; an initialiser that is named here takes this value.</param>
    /// <exception cref="OnnxException">The model contradicts itself, or does not fit its inputs.</exception>
    /// <exception cref="OnnxUnsupportedException">The model asks for what this version does not have; all operators that are missing are named.</exception>
    /// <exception cref="OnnxTooLargeException">There would be more nodes, or graphs within one another, than are allowed.</exception>
    public ImmutableArray<OnnxValue> Run(IReadOnlyDictionary<string, OnnxValue> inputs)
    {
        if (model.Graph is null)
            throw new OnnxException("the model has no graph");
        Coverage.Check(model);
        var frame = new Frame(null, Frame.OpsetsOf(model.OpsetImport), null, 0);
        foreach (var (name, value) in inputs)
            frame.Set(name, value);
        foreach (var input in Inputs(model))
        {
            if (frame.Find(input.Name) is null)
                throw new OnnxException($"input '{input.Name}' is not given");
        }

        return Run(model.Graph, frame);
    }

    /// <summary>Values of a graph that the model has beside its own, by name.</summary>
    internal ImmutableArray<OnnxValue> Run(GraphProto graph, IReadOnlyDictionary<string, OnnxValue> inputs, IEnumerable<string> wanted)
    {
        var frame = new Frame(null, Frame.OpsetsOf(model.OpsetImport), null, 0);
        foreach (var (name, value) in inputs)
            frame.Set(name, value);
        Run(graph, frame);
        return [.. wanted.Select(name => frame.Find(name) ?? throw new OnnxException($"'{name}' is made by no node of {graph.Name}"))];
    }

    /// <summary>Runs a graph within a graph.</summary>
    internal ImmutableArray<OnnxValue> Run(GraphProto graph, Frame outer, ReadOnlySpan<OnnxValue> inputs)
    {
        var frame = outer.Inner();
        if (inputs.Length != graph.Input.Count)
            throw new OnnxException($"graph '{graph.Name}' takes {graph.Input.Count} inputs, not {inputs.Length}");
        for (int i = 0; i < inputs.Length; i++)
            frame.Set(graph.Input[i].Name, inputs[i]);
        return Run(graph, frame);
    }

    private ImmutableArray<OnnxValue> Run(GraphProto graph, Frame frame)
    {
        if (frame.Depth > FrameDepthMax)
            throw new OnnxTooLargeException($"graphs and functions call one another more than {FrameDepthMax} deep");
        foreach (var sparse in graph.SparseInitializer)
            frame.Set(sparse.Values?.Name ?? "", reader.Read(SparseTensors.ToDense(sparse, reader, context.Limits)));
        foreach (var tensor in graph.Initializer)
        {
            if (frame.Depth == 0 && frame.Find(tensor.Name) is not null)
                continue;
            var value = Read(tensor, tensor.Name);
            frame.Set(tensor.Name, value is HostTensor known ? new GraphTensor(known.Element, context.Initialiser(tensor.Name, known) ?? known.ToConstant()) : value);
        }

        foreach (var node in graph.Node)
            Run(node, frame);
        return [.. graph.Output.Select(o => frame.Find(o.Name) ?? throw new OnnxException($"output '{o.Name}' is made by no node"))];
    }

    private void Run(NodeProto node, Frame frame)
    {
        // A node of many inputs is as much work as many nodes.
        nodes += 1 + node.Input.Count / 4;
        if (nodes > context.NodesMax)
            throw new OnnxTooLargeException($"more than {context.NodesMax:N0} nodes come about, loops unrolled");
        if (GC.GetAllocatedBytesForCurrentThread() - allocated > context.BytesMax)
            throw new OnnxTooLargeException($"building the graph takes more than {context.BytesMax >> 20:N0} MiB");
        ImmutableArray<OnnxValue?> inputs = [.. node.Input.Select(name => name.Length == 0 ? null
            : frame.Find(name) ?? throw new OnnxException($"{Name(node)} reads '{name}', which nothing before it makes")).Select(v => v is MissingValue ? null : v)];
        // A function of ours is known by its name; its body is for others.
        var outputs = Function(node) is { } function && node.Domain != FunctionDraft.SingaDomain ? Call(function, node, frame, inputs) : Build(node, frame, inputs);
        for (int i = 0; i < node.Output.Count; i++)
        {
            if (node.Output[i].Length == 0)
                continue;
            var value = (i < outputs.Length ? outputs[i] : null) ?? throw new OnnxException($"{Name(node)} has no output {i}");
            frame.Set(node.Output[i], value);
            if (frame.Depth == 0)
                context.Made(node.Output[i], value);
        }
    }

    private ImmutableArray<OnnxValue?> Build(NodeProto node, Frame frame, ImmutableArray<OnnxValue?> inputs)
    {
        string domain = Frame.Domain(node.Domain);
        var rule = OnnxOperators.Find(domain, node.OpType, frame.Opsets.GetValueOrDefault(domain))
            ?? throw new OnnxUnsupportedException($"{Name(node)} is not supported");
        string scope = node.MetadataProps.FirstOrDefault(p => p.Key == GraphWriter.LayerKey)?.Value ?? (node.Name.Length > 0 ? node.Name : node.OpType);
        try
        {
            var outputs = rule.Build(new OnnxCall(this, frame, node, inputs));
            foreach (var output in outputs.OfType<GraphTensor>())
            {
                if (output.Tensor.Shape.Any(d => d > context.DimensionMax))
                    throw new OnnxTooLargeException($"{Name(node)} makes {output.Tensor.Shape}");
                if (scope.Length > 0)
                    Node.Label(output.Tensor, scope);
            }

            return outputs;
        }
        catch (ArithmeticException e)
        {
            throw new OnnxException($"{Name(node)} has sizes that do not fit one another or are too large", e);
        }
        catch (Exception e) when (e is GraphException or ArgumentException or IndexOutOfRangeException)
        {
            throw new OnnxException($"{Name(node)}: {e.Message}", e);
        }
        catch (OnnxUnsupportedException e)
        {
            throw new OnnxUnsupportedException($"{Name(node)}: {e.Message}");
        }
    }

    internal FunctionProto? Function(NodeProto node) => functions.GetValueOrDefault((Frame.Domain(node.Domain), node.OpType, node.Overload));

    /// <summary>A function's frame, with values for its inputs.</summary>
    internal Frame Enter(FunctionProto function, Frame caller, ReadOnlySpan<OnnxValue> arguments)
    {
        var inner = new Frame(null, function.OpsetImport.Count > 0 ? Frame.OpsetsOf(function.OpsetImport) : caller.Opsets, null, caller.Depth + 1);
        for (int i = 0; i < Math.Min(arguments.Length, function.Input.Count); i++)
            inner.Set(function.Input[i], arguments[i]);
        return inner;
    }

    private ImmutableArray<OnnxValue?> Call(FunctionProto function, NodeProto node, Frame frame, ImmutableArray<OnnxValue?> inputs)
    {
        var attributes = function.AttributeProto.Concat(node.Attribute.Select(a => Resolve(a, frame)).OfType<AttributeProto>())
            .GroupBy(a => a.Name).ToImmutableDictionary(g => g.Key, g => g.Last());
        var opsets = function.OpsetImport.Count > 0 ? Frame.OpsetsOf(function.OpsetImport) : frame.Opsets;
        var inner = new Frame(null, opsets, attributes, frame.Depth + 1);
        if (inner.Depth > FrameDepthMax)
            throw new OnnxTooLargeException($"graphs and functions call one another more than {FrameDepthMax} deep");
        for (int i = 0; i < function.Input.Count; i++)
        {
            if (i < inputs.Length && inputs[i] is { } value)
                inner.Set(function.Input[i], value);
            else
                inner.Set(function.Input[i], MissingValue.Instance);
        }

        foreach (var step in function.Node)
            Run(step, inner);
        return [.. function.Output.Select(name => inner.Find(name))];
    }

    /// <summary>The attribute itself, or in a function the caller's that it stands for; null where the caller has none.</summary>
    internal static AttributeProto? Resolve(AttributeProto attribute, Frame frame)
    {
        if (attribute.RefAttrName.Length == 0)
            return attribute;
        if (frame.Attributes?.GetValueOrDefault(attribute.RefAttrName) is not { } given)
            return null;
        var named = given.Clone();
        named.Name = attribute.Name;
        return named;
    }

    /// <summary>The elements of a value that the graph's form depends on.</summary>
    /// <exception cref="OnnxUnsupportedException">They follow from what is only known when the model runs.</exception>
    internal HostTensor Known(OnnxValue value, string what) => value switch
    {
        HostTensor tensor => tensor,
        GraphTensor tensor when host.Evaluate(tensor.Tensor) is { } data => new HostTensor(tensor.Element, tensor.Tensor.Shape, data),
        GraphTensor tensor when context.Evaluate(tensor.Tensor) is { } data => new HostTensor(tensor.Element, tensor.Tensor.Shape, data),
        GraphTensor => throw new OnnxUnsupportedException($"{what} is only known when the model runs, and the graph's form depends on it"),
        _ => throw new OnnxException($"{what} is no tensor"),
    };

    internal TensorReader Reader => reader;

    /// <summary>The elements, or what stands for them.</summary>
    internal OnnxValue Read(TensorProto tensor, string name)
    {
        var (element, shape) = reader.Check(tensor);
        return context.Stand(name, element, shape) is { } stand ? new GraphTensor(element, stand) : reader.Read(tensor);
    }

    internal ImportContext Context => context;

    /// <summary>As in <c>node 'conv1' (Conv)</c>.</summary>
    internal static string Name(NodeProto node)
    {
        string type = node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}";
        return node.Name.Length > 0 ? $"node '{node.Name}' ({type})" : node.Output.Count > 0 && node.Output[0].Length > 0 ? $"{type} of '{node.Output[0]}'" : type;
    }
}

/// <summary>In a function: an input that the caller leaves out.</summary>
internal sealed record MissingValue : OnnxValue
{
    public static readonly MissingValue Instance = new();
}
