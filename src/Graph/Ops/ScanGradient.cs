using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// The gradient of a scan is a scan the other way: its body pulls gradients back through one step, which it computes anew from the states
/// before it. Unrolled, those steps are the very nodes of the scan itself, and nothing is computed twice.
/// </summary>
internal static class ScanGradient
{
    public static ImmutableArray<Tensor?> Of(Scan scan, Node node, ImmutableArray<Tensor?> upstream)
    {
        int states = scan.States, inputs = scan.InputAxes.Count;
        ImmutableArray<int> moving = [.. Enumerable.Range(0, states).Where(i => node.Inputs[i].DType.IsFloat())];
        ImmutableArray<int> reached = [.. Enumerable.Range(0, scan.StackAxes.Count).Where(k => upstream[states + k] is not null)];

        // One step: what it reads, what comes back to it, and what goes back from it.
        int opened = 0;
        ImmutableArray<Tensor> Open(IEnumerable<TensorType> types) => [.. types.Select(t => Subgraph.Input(opened++, t))];
        var results = scan.Body.OutputTypes();
        var back = Open(moving.Select(i => scan.Body.Inputs[i]));
        var read = Open(scan.Body.Inputs);
        var direct = Open(reached.Select(k => results[k]));
        var outputs = scan.Body.Apply(read);
        var pulled = Gradients.Pull(outputs, [.. outputs.Select((_, k) => (moving.IndexOf(k), reached.IndexOf(k)) switch
        {
            (< 0, < 0) => null,
            (< 0, var d) => direct[d],
            (var b, < 0) => back[b],
            var (b, d) => back[b] + direct[d],
        })], read);

        // Around it: tensors that hold all steps' values of what one step reads.
        var befores = Enumerable.Range(0, states).Select(i => TimeAxis.Before(node.Inputs[i], node.Outputs[states + i], scan.StackAxes[i], scan.Reverse));
        var held = new Held(inputs > 0 ? scan.InputAxes[0] : scan.StackAxes.Items.DefaultIfEmpty(0).First());
        foreach (var (inner, outer, axis) in befores.Select((b, i) => (read[i], b, scan.StackAxes[i]))
            .Concat(Enumerable.Range(0, inputs).Select(i => (read[states + i], node.Inputs[states + i], scan.InputAxes[i])))
            .Concat(reached.Select((k, d) => (direct[d], upstream[states + k]!, scan.StackAxes[k]))))
            held.Add(inner, outer, axis);
        ImmutableArray<int?> asked = [.. Enumerable.Range(0, inputs).Select(i => pulled[states + i] is { } g ? held.Ask(g, scan.InputAxes[i]) : (int?)null)];
        ImmutableArray<Func<Tensor>?> sums = [.. pulled.Skip(states + inputs).Select(g => g is null ? null : TimeSum.Of(g, held))];

        ImmutableArray<Tensor> next = [.. moving.Select(i => pulled[i] ?? Fill.Create(read[i].DType, read[i].Shape, 0))];
        ImmutableArray<Tensor> along = [.. held.Inner], fixedInputs = read[(states + inputs)..];
        var (body, captured) = Subgraph.Cut([.. back, .. along, .. fixedInputs], [.. next, .. held.Asked.Select(a => a.Inner)]);
        var reverse = new Scan(body, scan.Steps, moving.Length, new(held.InnerAxes), [.. moving.Select(i => scan.StackAxes[i]), .. held.Asked.Select(a => a.Axis)], !scan.Reverse);
        var given = new Node(reverse, [.. moving.Select(i => upstream[i] ?? Fill.Create(node.Inputs[i].DType, node.Inputs[i].Shape, 0)),
            .. held.Outer, .. node.Inputs[(states + inputs)..], .. captured]).Outputs;
        held.Take(given[(2 * moving.Length)..]);
        return [.. Enumerable.Range(0, states).Select(i => moving.IndexOf(i) is >= 0 and var m ? given[m] : null),
            .. asked.Select(a => a is { } index ? given[2 * moving.Length + index] : null), .. sums.Select(s => s?.Invoke())];
    }
}
