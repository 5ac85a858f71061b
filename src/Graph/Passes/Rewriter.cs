using System.Collections.Immutable;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Builds a graph anew, inputs first. Equal ops on equal inputs become one node, what the outputs do not need is not built, and a
/// rule may answer something better than the node itself.
/// </summary>
internal sealed class Rewriter
{
    private readonly Dictionary<Tensor, Tensor> replaced = [];
    private readonly Dictionary<(Op, Seq<Tensor>), Node> known = [];
    private readonly Dictionary<Tensor, int> uses = [];

    /// <param name="rule">Given an old node and its new inputs: the new outputs, or null to keep the op.</param>
    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs, Func<Rewriter, Node, ImmutableArray<Tensor>, Tensor?> rule)
    {
        var rewriter = new Rewriter();
        var order = Traversal.From(outputs);
        foreach (var tensor in order.SelectMany(n => n.Inputs).Concat(outputs))
            rewriter.uses[tensor] = rewriter.uses.GetValueOrDefault(tensor) + 1;
        foreach (var node in order)
        {
            ImmutableArray<Tensor> inputs = [.. node.Inputs.Select(i => rewriter.replaced[i])];
            if (rule(rewriter, node, inputs) is { } better)
            {
                rewriter.replaced[node.Output] = better;
                continue;
            }

            var rebuilt = rewriter.Make(node.Op, inputs, node.Scope);
            for (int i = 0; i < node.Outputs.Length; i++)
                rewriter.replaced[node.Outputs[i]] = rebuilt.Outputs[i];
        }

        return [.. outputs.Select(o => rewriter.replaced[o])];
    }

    /// <summary>How often an old tensor is read, outputs of the graph counted.</summary>
    public int Uses(Tensor old) => uses[old];

    public Node Make(Op op, ImmutableArray<Tensor> inputs, string scope)
    {
        var key = (op, new Seq<Tensor>(inputs));
        if (!known.TryGetValue(key, out var node))
            known[key] = node = new Node(op, inputs, scope);
        return node;
    }
}
