using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>Several nodes that together are what an operator is built with, and of which nobody reads a part.</summary>
internal static class CompositeForm
{
    /// <summary>A node as the operator, if building it of that tensor gives just such nodes; null else.</summary>
    public static Written? Of(Node node, Tensor from, Func<Tensor, Tensor> build, WriteContext context, Written written) =>
        node.Outputs.Length == 1 && Matches(node.Output, build(from), from, context.Uses) ? written : null;

    /// <summary>What a node reads, by numbers of inputs one after the other; null where there is no such way.</summary>
    public static Tensor? Behind(Node node, params ReadOnlySpan<int> inputs)
    {
        Tensor? tensor = node.Outputs[0];
        foreach (int input in inputs)
            tensor = tensor?.Producer.Inputs is { } read && input < read.Length ? read[input] : null;
        return tensor;
    }

    private static bool Matches(Tensor actual, Tensor expected, Tensor leaf, Func<Tensor, int> uses)
    {
        var partners = new Dictionary<Tensor, Tensor>();
        var inner = new Dictionary<Tensor, int>();
        var open = new Stack<(Tensor, Tensor)>([(actual, expected)]);
        while (open.TryPop(out var pair))
        {
            var (a, b) = pair;
            if (a == leaf || b == leaf)
            {
                if (a != b)
                    return false;
                continue;
            }

            if (a != actual && !a.Producer.Inputs.IsEmpty)
                inner[a] = inner.GetValueOrDefault(a) + 1;
            if (partners.TryGetValue(a, out var partner))
            {
                if (partner != b)
                    return false;
                continue;
            }

            partners[a] = b;
            if (a.Index != b.Index || !a.Producer.Op.Equals(b.Producer.Op) || a.Producer.Inputs.Length != b.Producer.Inputs.Length || a.Producer.Op is Placeholder)
                return false;
            foreach (var next in a.Producer.Inputs.Zip(b.Producer.Inputs))
                open.Push(next);
        }

        return inner.All(t => uses(t.Key) == t.Value);
    }
}
