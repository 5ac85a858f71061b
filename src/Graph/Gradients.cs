using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>Reverse-mode differentiation of graphs: the result is graph again.</summary>
public static class Gradients
{
    /// <summary>d loss / d parameter for each parameter; zeros where the loss does not depend on it. The loss must be a scalar.</summary>
    public static ImmutableArray<Tensor> Of(Tensor loss, IReadOnlyList<Tensor> parameters)
    {
        if (loss.Shape.Rank != 0 || !loss.DType.IsFloat())
            throw new GraphException($"gradients are of a floating scalar, not {loss.Type}: sum the loss first");
        var pulled = Pull([loss], [Fill.Create(loss.DType, Shape.Scalar, 1)], parameters);
        return [.. parameters.Select((p, i) => pulled[i] ?? Fill.Create(p.DType, p.Shape, 0))];
    }

    /// <summary>
    /// Σ over outputs of the gradient that arrives at each times d output / d parameter; null where nothing arrives.
    /// </summary>
    internal static ImmutableArray<Tensor?> Pull(ImmutableArray<Tensor> outputs, ImmutableArray<Tensor?> arriving, IReadOnlyList<Tensor> parameters)
    {
        var order = Traversal.From(outputs);
        var reaches = Reaching(order, parameters);
        var upstream = new Dictionary<Tensor, Tensor>();
        for (int i = 0; i < outputs.Length; i++)
        {
            if (arriving[i] is { } gradient)
                Add(outputs[i], gradient);
        }

        foreach (var node in order.Reverse())
        {
            if (node.Inputs.IsEmpty || !node.Inputs.Any(reaches.Contains) || !node.Outputs.Any(upstream.ContainsKey))
                continue;
            var gradients = node.Op.Gradient(node, [.. node.Outputs.Select(o => upstream.GetValueOrDefault(o))]);
            for (int i = 0; i < gradients.Length; i++)
            {
                if (gradients[i] is not { } gradient || !reaches.Contains(node.Inputs[i]))
                    continue;
                if (node.Scope.Length > 0)
                    Node.Label(gradient, node.Scope + "'");
                Add(node.Inputs[i], gradient);
            }
        }

        return [.. parameters.Select(p => upstream.GetValueOrDefault(p))];

        void Add(Tensor tensor, Tensor gradient) => upstream[tensor] = upstream.TryGetValue(tensor, out var sum) ? sum + gradient : gradient;
    }

    private static HashSet<Tensor> Reaching(ImmutableArray<Node> order, IReadOnlyList<Tensor> parameters)
    {
        var reaching = parameters.ToHashSet();
        foreach (var node in order)
        {
            if (node.Inputs.Any(reaching.Contains))
                reaching.UnionWith(node.Outputs);
        }

        return reaching;
    }
}
