using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Pointwise ops over the same points are computed in one pass, which reads each input once and may leave several results: see
/// <see cref="MapPasses"/> for which.
/// </summary>
internal static class MergeMaps
{
    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs)
    {
        var order = Traversal.From(outputs);
        var passes = MapPasses.Find(order);
        if (passes.Count == 0)
            return outputs;
        var joined = passes.Values.SelectMany(members => members).ToHashSet();
        var wanted = order.Where(n => !joined.Contains(n)).SelectMany(n => n.Inputs).Concat(outputs).ToHashSet();
        foreach (var members in passes.Values)
            wanted.UnionWith(members.SelectMany(m => m.Inputs).Where(i => !members.Contains(i.Producer)));
        var built = new Dictionary<Tensor, Tensor>();
        foreach (var node in order)
        {
            if (passes.TryGetValue(node, out var members))
                Merge(node, members);
            else if (!joined.Contains(node))
                Keep(node);
        }

        return [.. outputs.Select(o => built[o])];

        // Views may stand further behind than what is now computed from them.
        Tensor Built(Tensor tensor)
        {
            if (!built.ContainsKey(tensor))
                Keep(tensor.Producer);
            return built[tensor];
        }

        void Keep(Node node)
        {
            ImmutableArray<Tensor> inputs = [.. node.Inputs.Select(Built)];
            if (built.ContainsKey(node.Outputs[0]))
                return;
            var same = inputs.SequenceEqual(node.Inputs) ? node : new Node(node.Op, inputs, node.Scope);
            for (int i = 0; i < node.Outputs.Length; i++)
                built[node.Outputs[i]] = same.Outputs[i];
        }

        void Merge(Node place, List<Node> members)
        {
            var values = new Dictionary<Tensor, Scalar>();
            var sources = MapPasses.Sources(members);
            for (int i = 0; i < sources.Count; i++)
                values[sources[i]] = Scalar.Argument(i, sources[i].DType);
            foreach (var member in members)
                values[member.Output] = ScalarBody.Inline(((Pointwise)member.Op).Body, [.. member.Inputs.Select(i => values[i])])[0];
            var results = members.Select(m => m.Output).Where(wanted.Contains).ToArray();
            var body = ScalarBody.Compile([.. sources.Select(s => s.DType)], [.. results.Select(r => values[r])]);
            var merged = new Node(new Maps(string.Join('+', results.Select(r => r.Producer.Op.Name).Distinct()), body), [.. sources.Select(Built)], place.Scope);
            for (int i = 0; i < results.Length; i++)
                built[results[i]] = merged.Outputs[i];
        }
    }
}
