using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// A pointwise result that only pointwise ops of one pass over the same points read is computed in that pass, even where it is an output of
/// the graph. So an optimizer reads gradient, parameter and state once and writes each once. Nothing outside the pass reads what moves into
/// it, so no order changes and nothing lives longer.
/// </summary>
internal static class MergeMaps
{
    public static ImmutableArray<Tensor> Run(ImmutableArray<Tensor> outputs)
    {
        var order = Traversal.From(outputs);
        var passes = Passes(order);
        if (passes.Values.All(members => members.Count == 1))
            return outputs;
        var inPass = passes.Values.Where(m => m.Count > 1).SelectMany(m => m).ToHashSet();
        var asked = outputs.ToHashSet();
        var built = new Dictionary<Tensor, Tensor>();
        foreach (var node in order)
        {
            if (passes.TryGetValue(node, out var members) && members.Count > 1)
                Merge(node, members);
            else if (!inPass.Contains(node))
                Keep(node);
        }

        return [.. outputs.Select(o => built[o])];

        void Keep(Node node)
        {
            ImmutableArray<Tensor> inputs = [.. node.Inputs.Select(i => built[i])];
            var same = inputs.SequenceEqual(node.Inputs) ? node : new Node(node.Op, inputs, node.Scope);
            for (int i = 0; i < node.Outputs.Length; i++)
                built[node.Outputs[i]] = same.Outputs[i];
        }

        void Merge(Node last, List<Node> members)
        {
            var values = new Dictionary<Tensor, Scalar>();
            var sources = Sources(members);
            for (int i = 0; i < sources.Count; i++)
                values[sources[i]] = Scalar.Argument(i, sources[i].DType);
            foreach (var member in members)
                values[member.Output] = ScalarBody.Inline(((Pointwise)member.Op).Body, [.. member.Inputs.Select(i => values[i])])[0];
            var results = members.Select(m => m.Output).Where(o => o.Producer == last || asked.Contains(o)).ToArray();
            var body = ScalarBody.Compile([.. sources.Select(s => s.DType)], [.. results.Select(r => values[r])]);
            var merged = new Node(new Maps(string.Join('+', results.Select(r => r.Producer.Op.Name)), body), [.. sources.Select(s => built[s])], last.Scope);
            for (int i = 0; i < results.Length; i++)
                built[results[i]] = merged.Outputs[i];
        }
    }

    /// <summary>Of each pass, known by its last node: its nodes in order.</summary>
    private static Dictionary<Node, List<Node>> Passes(ImmutableArray<Node> order)
    {
        var readers = new Dictionary<Tensor, List<Node>>();
        foreach (var node in order)
        {
            foreach (var input in node.Inputs.Distinct())
            {
                if (!readers.TryGetValue(input, out var list))
                    readers[input] = list = [];
                list.Add(node);
            }
        }

        var last = new Dictionary<Node, Node>();
        var passes = new Dictionary<Node, List<Node>>();
        foreach (var node in order.Reverse().Where(n => n.Op is Pointwise))
        {
            var reading = readers.GetValueOrDefault(node.Output) ?? [];
            if (reading.Count > 0 && reading.All(r => last.ContainsKey(r) && last[r] == last[reading[0]] && r.Output.Shape == node.Output.Shape)
                && Sources([node, .. passes[last[reading[0]]]]).Count <= FusePointwise.ArgumentCountMax)
            {
                last[node] = last[reading[0]];
                passes[last[node]].Insert(0, node);
                continue;
            }

            last[node] = node;
            passes[node] = [node];
        }

        return passes;
    }

    private static List<Tensor> Sources(List<Node> members)
    {
        var inside = members.ToHashSet();
        return [.. members.SelectMany(m => m.Inputs).Where(i => !inside.Contains(i.Producer)).Distinct()];
    }
}
