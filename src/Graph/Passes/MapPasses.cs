using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Passes;

/// <summary>
/// Which pointwise ops share a pass. First those whose result only ops of one pass read, even where it is an output of the graph: so an optimizer
/// reads gradient, parameter and state once and writes each once, and as nothing outside the pass reads what moves into it, no order changes.
/// Then those that read what an earlier pass reads or makes, and nothing that is not there yet at its place: they are computed with it, so
/// that a step of a recurrent layer is one pass each way. What moves up lives longer, so it must stand next to that pass, or let go of as
/// much that it reads as the last.
/// </summary>
internal static class MapPasses
{
    private const int ResultCountMax = 8;

    /// <summary>Of each pass of several, known by the node at whose place it is computed: its nodes, each after what it reads.</summary>
    public static Dictionary<Node, List<Node>> Find(ImmutableArray<Node> order)
    {
        var readers = Readers(order);
        var passes = Chains(order, readers);
        Gather(order, readers, passes);
        return passes.Where(p => p.Value.Count > 1).ToDictionary(p => p.Key, p => p.Value);
    }

    public static List<Tensor> Sources(IReadOnlyCollection<Node> members)
    {
        var inside = members.ToHashSet();
        return [.. members.SelectMany(m => m.Inputs).Where(i => !inside.Contains(i.Producer)).Distinct()];
    }

    private static Dictionary<Tensor, List<Node>> Readers(ImmutableArray<Node> order)
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

        return readers;
    }

    private static Dictionary<Node, List<Node>> Chains(ImmutableArray<Node> order, Dictionary<Tensor, List<Node>> readers)
    {
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

    /// <summary>Moves passes up to earlier ones.</summary>
    private static void Gather(ImmutableArray<Node> order, Dictionary<Tensor, List<Node>> readers, Dictionary<Node, List<Node>> passes)
    {
        var life = new Lifetimes(order, passes);
        // Of each tensor, the places of the passes that read or make it.
        var places = new Dictionary<Tensor, List<int>>();
        int kernel = -1;
        for (int position = 0; position < order.Length; position++)
        {
            var node = order[position];
            if (!passes.TryGetValue(node, out var members))
            {
                if (node.Op is not (Pointwise or Placeholder or Fill or Constant or Concat) && !node.Op.IsView)
                    kernel = position;
                continue;
            }

            var sources = Sources(members);
            int ready = sources.Select(life.Ready).DefaultIfEmpty(-1).Max();
            // A scalar or a row that repeats is no reason to be together: it costs nothing to read.
            var shared = sources.Where(s => s.Shape == node.Output.Shape).ToArray();
            var found = shared.SelectMany(s => places.GetValueOrDefault(s) ?? []).Where(p => p > ready || Makes(p, ready)).Distinct().OrderDescending()
                .FirstOrDefault(p => Fits(passes[order[p]], members) && (p > kernel || life.Saves(sources, position, p) >= members.Sum(m => m.Output.Type.Bytes) * (position - p)), -1);
            if (found >= 0)
            {
                passes[order[found]].AddRange(members);
                passes.Remove(node);
                life.Move(members, sources, position, found);
            }

            foreach (var tensor in shared.Concat(members.Select(m => m.Output)))
            {
                if (!places.TryGetValue(tensor, out var list))
                    places[tensor] = list = [];
                list.Add(found >= 0 ? found : position);
            }

            // What that very pass makes is ready for its own members.
            bool Makes(int place, int at) => place == at && sources.All(s => life.Ready(s) < place || passes[order[place]].Contains(s.Producer));
        }

        bool Fits(List<Node> pass, List<Node> members)
        {
            var all = pass.Concat(members).ToHashSet();
            return pass[0].Output.Shape == members[0].Output.Shape && Sources(all).Count <= FusePointwise.ArgumentCountMax
                && all.Count(m => !readers.TryGetValue(m.Output, out var reading) || !reading.All(all.Contains)) <= ResultCountMax;
        }
    }

    /// <summary>When tensors are there, and who reads them last; a view is there when what it looks at is, a placeholder from the start.</summary>
    private sealed class Lifetimes
    {
        private readonly Dictionary<Tensor, int> ready = [];
        private readonly Dictionary<Tensor, Tensor> bases = [];
        private readonly Dictionary<Tensor, List<int>> reads = [];

        public Lifetimes(ImmutableArray<Node> order, Dictionary<Node, List<Node>> passes)
        {
            var place = new Dictionary<Node, int>();
            for (int position = 0; position < order.Length; position++)
            {
                foreach (var member in passes.GetValueOrDefault(order[position]) ?? [])
                    place[member] = position;
            }

            for (int position = 0; position < order.Length; position++)
            {
                var node = order[position];
                foreach (var output in node.Outputs)
                {
                    bases[output] = node.Op.IsView ? bases[node.Inputs[0]] : output;
                    ready[output] = node.Op.IsView ? ready[node.Inputs[0]] : node.Op is Placeholder ? -1 : place.GetValueOrDefault(node, position);
                }

                if (!node.Op.IsView)
                {
                    foreach (var input in node.Inputs.Select(i => bases[i]).Distinct())
                    {
                        if (!reads.TryGetValue(input, out var list))
                            reads[input] = list = [];
                        list.Add(place.GetValueOrDefault(node, position));
                    }
                }
            }
        }

        public int Ready(Tensor tensor) => ready[bases[tensor]];

        public void Move(List<Node> members, List<Tensor> sources, int from, int to)
        {
            foreach (var member in members)
                ready[member.Output] = to;
            foreach (var source in sources.Select(t => bases[t]).Distinct())
                reads[source] = [.. reads[source].Select(at => at == from ? to : at)];
        }

        /// <summary>Bytes times places less that are held if what reads these at <paramref name="from"/> does so at <paramref name="to"/>.</summary>
        public long Saves(List<Tensor> sources, int from, int to)
        {
            long saved = 0;
            foreach (var source in sources.Select(t => bases[t]).Distinct().Where(b => b.Producer.Op is not (Placeholder or Constant or Fill)))
            {
                int others = reads[source].Where(at => at != from).DefaultIfEmpty(to).Max();
                saved += source.Type.Bytes * Math.Max(0, from - Math.Max(to, others));
            }

            return saved;
        }
    }
}
