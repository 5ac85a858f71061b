using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph;

/// <summary>
/// Runs a graph for several shards at once: some of its sources get a leading axis of shards, and so does all that depends on them. What
/// does not, the parameters above all, stays one for all shards.
/// </summary>
public static class ShardAxis
{
    /// <param name="outputs">Of the graph of one shard.</param>
    /// <param name="sources">The tensors of one shard and what stands in for them, with the leading axis.</param>
    /// <returns>The outputs, each with the leading axis.</returns>
    public static ImmutableArray<Tensor> Expand(ImmutableArray<Tensor> outputs, IReadOnlyDictionary<Tensor, Tensor> sources, ShardRange shards)
    {
        var expanded = new Dictionary<Tensor, Tensor>(sources);
        foreach (var node in Traversal.From(outputs))
        {
            if (!node.Op.DiffersByShard && !node.Inputs.Any(expanded.ContainsKey))
                continue;
            var results = node.Op.AlongShards(node, [.. node.Inputs.Select(i => expanded.GetValueOrDefault(i, i))],
                [.. node.Inputs.Select(expanded.ContainsKey)], shards);
            for (int i = 0; i < results.Length; i++)
            {
                if (results[i].Shape != node.Outputs[i].Shape.Prepend(shards.Count))
                    throw new InvalidOperationException($"{node.Op.Name} along shards {shards} gave {results[i].Shape} for {node.Outputs[i].Shape}");
                if (node.Scope.Length > 0)
                    Node.Label(results[i], node.Scope);
                expanded[node.Outputs[i]] = results[i];
            }
        }

        return [.. outputs.Select(o => expanded.TryGetValue(o, out var e) ? e : o.BroadcastTo(o.Shape.Prepend(shards.Count)))];
    }
}
