using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Cli.Explaining;

/// <summary>Operations that are drawn once for <c>Count</c> times: those of the first time.</summary>
internal sealed record Stretch(ImmutableArray<int> Operations, int Count);

/// <summary>One layer in a view: what it does going forward, going back, and afterwards; sums of all of it.</summary>
/// <param name="Parameters">Values that are trained.</param>
/// <param name="KeptBytes">Written forward to be read backward.</param>
internal sealed record LayerRow(
    string Layer, ImmutableArray<Stretch> Forward, ImmutableArray<Stretch> Backward, ImmutableArray<Stretch> Later,
    KernelCost ForwardCost, KernelCost BackwardCost, KernelCost LaterCost, long Parameters, long KeptBytes)
{
    /// <summary>Layers in the order in which a view comes to them going forward; what belongs to none first.</summary>
    public static ImmutableArray<LayerRow> Of(PlanView view, IReadOnlyDictionary<string, long> parameters)
    {
        var operations = view.Operations;
        var members = operations.Select((_, i) => i).ToLookup(i => LayerOf(i));
        return [.. InOrder([.. operations.Select((_, i) => LayerOf(i)).Distinct()]).Select(Row)];

        // Layers that only hold others may do something on the way back alone: they stand before the first of those.
        List<string> InOrder(string[] layers)
        {
            var order = layers.Where(l => l.Length == 0).Concat(layers.Where(l => l.Length > 0 && !Holds(l))).ToList();
            foreach (string layer in layers.Where(Holds))
                order.Insert(order.FindIndex(l => IsIn(l, layer)), layer);
            return order;

            bool Holds(string layer) => layer.Length > 0 && layers.Any(l => IsIn(l, layer)) && Column(layer, 0).Length == 0;

            static bool IsIn(string inner, string outer) => inner.StartsWith(outer + ".", StringComparison.Ordinal);
        }

        LayerRow Row(string layer)
        {
            var (forward, backward, later) = (Column(layer, 0), Column(layer, 1), Column(layer, 2));
            return new LayerRow(
                layer, Collapse(forward), Collapse(backward), Collapse(later), Cost(forward), Cost(backward), Cost(later),
                parameters.GetValueOrDefault(layer), view.Blocks.Where(b => b.Kept && b.Layer == layer).Sum(b => b.Bytes));
        }

        int[] Column(string layer, int column) => [.. members[layer].Where(i => ColumnOf(operations[i].Phase) == column)];

        // A bucket travels when its last gradient is there: it stands beside the layer that wrote that.
        string LayerOf(int index) => operations[index] is { Phase: Phase.Exchange, After: [.., int writer] } ? operations[writer].Layer : operations[index].Layer;

        KernelCost Cost(int[] indices) => indices.Aggregate(default(KernelCost), (sum, i) => sum + operations[i].Cost);

        ImmutableArray<Stretch> Collapse(int[] indices) =>
            [.. Repeat.Cut([.. indices.Select(Work)]).Select(r => new Stretch([.. indices.AsSpan(r.First, r.Period)], r.Count))];

        string Work(int index) => $"{operations[index].Name}{(operations[index].Again >= 0 ? " again" : "")} {string.Join(' ', operations[index].Writes.Select(w => w.Type))}";
    }

    private static int ColumnOf(Phase phase) => phase switch
    {
        Phase.Backward => 1,
        Phase.Update or Phase.Exchange => 2,
        _ => 0,
    };
}
