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
        var order = Traversal.From(loss);
        var reaches = Reaching(order, parameters);
        var upstream = new Dictionary<Tensor, Tensor> { [loss] = Fill.Create(loss.DType, Shape.Scalar, 1) };
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
                upstream[node.Inputs[i]] = upstream.TryGetValue(node.Inputs[i], out var sum) ? sum + gradient : gradient;
            }
        }

        return [.. parameters.Select(p => upstream.TryGetValue(p, out var g) ? g : Fill.Create(p.DType, p.Shape, 0))];
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
