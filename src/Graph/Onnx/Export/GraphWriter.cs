using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// Writes a traced graph node by node, inputs first. Two traces are walked side by side; numbers that differ between them are written as
/// nodes that compute them from the number of samples. A graph within a graph (a scan's step) has a writer of its own.
/// </summary>
internal sealed class GraphWriter
{
    /// <summary>Metadata of a node: the layer it belongs to, empty where it belongs to none.</summary>
    public const string LayerKey = "layer";

    private readonly Traced traced;
    private readonly FunctionLibrary functions;
    private readonly Names names;
    private readonly ICollection<NodeProto> nodes;
    private readonly ICollection<TensorProto>? initialisers;
    private readonly Dictionary<Tensor, string> known = [];
    private readonly Dictionary<Node, Node> partners = [];
    private readonly HashSet<Node> others;
    private readonly Dictionary<string, string> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<Tensor, int> uses, otherUses;
    private string? count;

    /// <param name="initialisers">Where large constants go; null: they are nodes.</param>
    public GraphWriter(Traced traced, FunctionLibrary functions, Names names, ICollection<NodeProto> nodes, ICollection<TensorProto>? initialisers)
    {
        (this.traced, this.functions, this.names, this.nodes, this.initialisers) = (traced, functions, names, nodes, initialisers);
        foreach (var (name, first, second) in traced.Inputs)
        {
            known[first] = name;
            partners[first.Producer] = second.Producer;
        }

        others = [.. partners.Values];

        (uses, otherUses) = (Uses([.. traced.Outputs.Select(o => o.First)]), Uses([.. traced.Outputs.Select(o => o.Second)]));
    }

    /// <returns>The outputs' names.</returns>
    /// <exception cref="GraphException">Something has no form; the message names the layer.</exception>
    public ImmutableArray<string> Write()
    {
        var path = new Stack<(Node First, Node Second, Written Written, Written Other, int Next)>();
        foreach (var (first, second) in traced.Outputs)
        {
            Enter(first.Producer, second.Producer);
            while (path.TryPop(out var top))
            {
                if (top.Next == top.Written.Inputs.Length)
                {
                    Emit(top.First, top.Second, top.Written, top.Other);
                    continue;
                }

                path.Push(top with { Next = top.Next + 1 });
                if ((top.Written.Inputs[top.Next], top.Other.Inputs[top.Next]) is (WrittenInput.OfTensor a, WrittenInput.OfTensor b))
                    Enter(a.Tensor.Producer, b.Tensor.Producer);
            }
        }

        return [.. traced.Outputs.Select(o => known[o.First])];

        void Enter(Node a, Node b)
        {
            bool met = partners.TryGetValue(a, out var partner);
            if (met ? partner != b : others.Contains(b))
                throw Refused(a, "is put together in another way for another number of samples");
            if (met)
                return;

            partners[a] = b;
            var (written, other) = Forms(a, b);
            if (written.Operator != other.Operator || written.Inputs.Length != other.Inputs.Length || a.Outputs.Length != b.Outputs.Length)
                throw Refused(a, "is put together in another way for another number of samples");
            path.Push((a, b, written, other, 0));
        }
    }

    internal static GraphException Refused(Node node, string what) => new(node.Scope.Length == 0
        ? $"a node {node.Op.Name} of the model {what}, so the job cannot be written down" : $"layer {node.Scope}: {node.Op.Name} {what}, so the job cannot be written down") { Layer = node.Scope };

    private (Written, Written) Forms(Node a, Node b) => (a.Op, b.Op) switch
    {
        (Placeholder placeholder, _) => throw Refused(a, $"stands for '{placeholder.Label}', which comes from outside the model"),
        (Fill one, Fill other) when !one.Value.Equals(other.Value) => (Share(a, one, other), Share(a, one, other)),
        (Scan one, Scan other) => ScanForm.Write(a, b, one, other, functions, traced.Samples),
        _ => (Form(a, uses), Form(b, otherUses)),
    };

    private Written Form(Node node, Dictionary<Tensor, int> read) =>
        OnnxOperators.Write(node, new WriteContext(t => read.GetValueOrDefault(t), functions)) ?? throw Refused(node, "has no form in ONNX");

    private static Dictionary<Tensor, int> Uses(ImmutableArray<Tensor> outputs) =>
        Traversal.From(outputs).SelectMany(n => n.Inputs).Concat(outputs).GroupBy(t => t).ToDictionary(g => g.Key, g => g.Count());

    private Written Share(Node node, Fill one, Fill other)
    {
        if (one.Type != other.Type || one.Type.Shape.Rank != 0 || Export.Share.Through(one.Value, other.Value, traced.Samples) is not { } share)
            throw Refused(node, $"holds a number that depends on the number of samples ({one.Value} for {traced.Samples.First}, {other.Value} for {traced.Samples.Second})");
        var written = share.ToWritten(one.Type.DType);
        return written with { Inputs = [new WrittenInput.OfCount()] };
    }

    private void Emit(Node a, Node b, Written written, Written other)
    {
        if (!written.Attributes.SequenceEqual(other.Attributes) || !written.Exact.SequenceEqual(other.Exact) || !Equals(written.Body, other.Body))
            throw Refused(a, "is another one for another number of samples");
        if (a.Op is Constant or Source)
        {
            known[a.Output] = Elements(written.Attributes[0].T);
            return;
        }

        var proto = new NodeProto { OpType = written.Body is null ? written.Operator : functions.Add(written.Operator, written.Body), Domain = written.Domain };
        if (written.Domain.Length == 0)
            proto.ClearDomain();
        string name = names.Take(a.Scope.Length == 0 ? written.Operator : $"{a.Scope}/{written.Operator}");
        proto.Name = name;
        for (int i = 0; i < written.Inputs.Length; i++)
        {
            proto.Input.Add((written.Inputs[i], other.Inputs[i]) switch
            {
                (WrittenInput.OfTensor of, _) => known[of.Tensor],
                (WrittenInput.OfNumbers one, WrittenInput.OfNumbers two) => Vector(a, one, two),
                _ => Count(a),
            });
        }

        proto.Attribute.AddRange(written.Attributes);
        proto.MetadataProps.AddRange(written.Exact);
        proto.MetadataProps.Add(new StringStringEntryProto { Key = LayerKey, Value = a.Scope });
        foreach (var output in a.Outputs)
        {
            string made = names.Take(a.Outputs.Length == 1 ? name + "/y" : $"{name}/y{output.Index}");
            proto.Output.Add(made);
            known[output] = made;
        }

        nodes.Add(proto);
    }

    /// <summary>A constant's elements: an initialiser where the graph has some.</summary>
    private string Elements(TensorProto elements)
    {
        string name = names.Take("constant");
        if (initialisers is not null)
        {
            var named = elements.Clone();
            named.Name = name;
            initialisers.Add(named);
        }
        else
        {
            nodes.Add(new NodeProto { OpType = "Constant", Name = name, Output = { name }, Attribute = { new AttributeProto(Attributes.Value("value", new HostTensor(ElementType.Bool, Shape.Of(0), Array.Empty<byte>()))) { T = elements } } });
        }

        return name;
    }

    private string Vector(Node node, WrittenInput.OfNumbers one, WrittenInput.OfNumbers two)
    {
        if (one.Values.Count != two.Values.Count)
            throw Refused(node, "is another one for another number of samples");
        Extent[] extents = [.. one.Values.Zip(two.Values, (a, b) => Extent.Through(a, b, traced.Samples)
            ?? throw Refused(node, $"has a dimension that is {a} for {traced.Samples.First} samples and {b} for {traced.Samples.Second}"))];
        if (extents.All(e => e.IsFixed))
            return Longs([.. one.Values]);
        if (one.MayInfer && extents.Count(e => !e.IsFixed) == 1 && extents.All(e => !e.IsFixed || e.Fixed > 0))
            return Longs([.. extents.Select(e => e.IsFixed ? e.Fixed : -1)]);
        var parts = new List<string>();
        for (int i = 0; i < extents.Length; i++)
        {
            int from = i;
            while (i < extents.Length && extents[i].IsFixed)
                i++;
            if (i > from)
                parts.Add(Longs([.. extents[from..i].Select(e => e.Fixed)]));
            if (i < extents.Length)
                parts.Add(At(node, extents[i]));
        }

        return parts.Count == 1 ? parts[0] : Made($"[{string.Join(", ", extents)}]", "Concat", parts, Attributes.Int("axis", 0));
    }

    /// <summary>[1] from the number of samples.</summary>
    private string At(Node node, Extent extent)
    {
        string times = extent.Each == 1 ? Count(node) : Made($"{extent with { Fixed = 0 }}", "Mul", [Count(node), Longs([extent.Each])]);
        return extent.Fixed == 0 ? times : Made($"{extent}", "Add", [times, Longs([extent.Fixed])]);
    }

    /// <summary>The number of samples, Int64 [1]: a dimension of an input.</summary>
    private string Count(Node node)
    {
        if (count is not null)
            return count;
        foreach (var (name, first, second) in traced.Inputs)
        {
            for (int axis = 0; axis < first.Shape.Rank; axis++)
            {
                if (Extent.Through(first.Shape[axis], second.Shape[axis], traced.Samples) is { IsCount: true })
                    return count = Made("samples", "Shape", [name], Attributes.Int("start", axis), Attributes.Int("end", axis + 1));
            }
        }

        throw Refused(node, "depends on the number of samples, and no input tells it");
    }

    private string Longs(ImmutableArray<long> values)
    {
        string text = $"[{string.Join(", ", values)}]";
        if (numbers.TryGetValue(text, out var name))
            return name;
        numbers[text] = name = names.Take(text);
        var tensor = OnnxFile.ToProto(Import.OnnxCall.Host(ElementType.Int64, Shape.Of(values.Length), values.AsSpan()));
        if (initialisers is null)
        {
            nodes.Add(new NodeProto { OpType = "Constant", Name = name, Output = { name }, Attribute = { Attributes.Ints("value_ints", values) } });
        }
        else
        {
            tensor.Name = name;
            initialisers.Add(tensor);
        }

        return name;
    }

    private string Made(string what, string op, IEnumerable<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        if (numbers.TryGetValue(what, out var name))
            return name;
        numbers[what] = name = names.Take(what);
        var node = new NodeProto { OpType = op, Name = name, Output = { name } };
        node.Input.AddRange(inputs);
        foreach (var attribute in attributes)
            node.Attribute.Add(attribute);
        nodes.Add(node);
        return name;
    }
}
