using System.Collections.Immutable;

namespace Singa.Actors.Graph.Passes;

/// <summary>Puts in the place of ops that have no kernels what they stand for (<see cref="Op.Expand"/>), until none is left.</summary>
internal static class Expansions
{
    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs)
    {
        while (Once(outputs) is { } expanded)
            outputs = expanded;
        return outputs;
    }

    /// <summary>Null: there was nothing to expand.</summary>
    private static ImmutableArray<Tensor>? Once(ImmutableArray<Tensor> outputs)
    {
        var replaced = new Dictionary<Tensor, Tensor>();
        Tensor New(Tensor old) => replaced.GetValueOrDefault(old, old);
        foreach (var node in Traversal.From(outputs))
        {
            ImmutableArray<Tensor> inputs = [.. node.Inputs.Select(New)];
            bool changed = !inputs.SequenceEqual(node.Inputs);
            if (node.Op.Expand(node, inputs) is { } results)
                Replace(node, results);
            else if (changed)
                Replace(node, new Node(node.Op, inputs, node.Scope).Outputs);
        }

        return replaced.Count == 0 ? null : [.. outputs.Select(New)];

        void Replace(Node node, ImmutableArray<Tensor> results)
        {
            for (int i = 0; i < results.Length; i++)
            {
                if (results[i].Type != node.Outputs[i].Type)
                    throw new InvalidOperationException($"{node.Op.Name} expands to {results[i].Type} where {node.Outputs[i].Type} was said");
                if (node.Scope.Length > 0)
                    Node.Label(results[i], node.Scope);
                replaced[node.Outputs[i]] = results[i];
            }
        }
    }
}
