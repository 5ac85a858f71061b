using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>What a scan gives: states after the last step, states after each step along the time axis, and what each step put out.</summary>
public sealed record ScanResult(ImmutableArray<Tensor> Final, ImmutableArray<Tensor> States, ImmutableArray<Tensor> Outputs);

/// <summary>
/// One step's graph after another, each with the states that the one before left. Inputs: <c>States</c> first states, then one tensor for each
/// of <c>InputAxes</c>, of which a step reads its element along that axis, then what every step reads. The body gives the next states and then
/// outputs. Results: the last states, then all that the body gave in each step, along <c>StackAxes</c> (where the axis stands in the result).
/// <c>Reverse</c>: the last element first; results lie where the inputs of their step do. It has no kernels: plans hold its steps one by one.
/// </summary>
public sealed record Scan(Subgraph Body, int Steps, int States, Seq<int> InputAxes, Seq<int> StackAxes, bool Reverse) : Op
{
    public override string Name => "Scan";

    /// <summary>Runs <paramref name="step"/> along <paramref name="axis"/> of the inputs; it may use any other tensor as it stands.</summary>
    /// <param name="step">From states and this step's inputs, which lack the axis, to the next states, of the same types, and outputs.</param>
    /// <exception cref="GraphException">The inputs differ in length, or a state changes its type.</exception>
    public static ScanResult Apply(ImmutableArray<Tensor> initial, ImmutableArray<Tensor> inputs,
        Func<ImmutableArray<Tensor>, ImmutableArray<Tensor>, (ImmutableArray<Tensor> States, ImmutableArray<Tensor> Outputs)> step, int axis = 0, bool reverse = false)
    {
        if (inputs.IsEmpty || inputs.Any(i => axis < 0 || axis >= i.Shape.Rank))
            throw new GraphException($"a scan takes tensors with an axis {axis} to go along");
        ImmutableArray<Tensor> open = [.. initial.Select(s => s.Type).Concat(inputs.Select(x => Element(x.Type, axis))).Select((type, i) => Subgraph.Input(i, type))];
        var (states, outputs) = step(open[..initial.Length], open[initial.Length..]);
        if (!states.Select(s => s.Type).SequenceEqual(initial.Select(s => s.Type)))
            throw new GraphException($"a step of a scan makes states {string.Join(", ", states.Select(s => s.Type))} of {string.Join(", ", initial.Select(s => s.Type))}");
        var (body, captured) = Subgraph.Cut(open, [.. states, .. outputs]);
        var scan = new Scan(body, checked((int)inputs[0].Shape[axis]), initial.Length, [.. inputs.Select(_ => axis)],
            [.. states.Concat(outputs).Select(o => Math.Min(axis, o.Shape.Rank))], reverse);
        var results = new Node(scan, [.. initial, .. inputs, .. captured]).Outputs;
        return new ScanResult(results[..initial.Length], results[initial.Length..(2 * initial.Length)], results[(2 * initial.Length)..]);
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        if (inputs.Length != Body.Inputs.Count || Steps < 1)
            throw new GraphException($"a scan of {Steps} steps over {inputs.Length} tensors with a body that takes {Body.Inputs.Count}");
        for (int i = 0; i < inputs.Length; i++)
        {
            int scanned = i - States;
            bool along = scanned >= 0 && scanned < InputAxes.Count;
            if (along && inputs[i].Shape[InputAxes[scanned]] != Steps)
                throw new GraphException($"a scan of {Steps} steps along axis {InputAxes[scanned]} of {inputs[i].Shape}");
            var each = along ? Element(inputs[i], InputAxes[scanned]) : inputs[i];
            if (each != Body.Inputs[i])
                throw new GraphException($"a scan's body takes {Body.Inputs[i]} and not {each}");
        }

        var types = Body.OutputTypes();
        return [.. types.Take(States), .. types.Select((t, i) => new TensorType(t.DType, TimeAxis.Insert(t.Shape, StackAxes[i], Steps)))];
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => ScanGradient.Of(this, node, upstream);

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        // States are always the shards' own: one shard's input in one step is enough to make them so.
        ImmutableArray<Tensor> spread = [.. inputs.Select((t, i) => i < States && !sharded[i] ? t.BroadcastTo(t.Shape.Prepend(shards.Count)) : t)];
        ImmutableArray<Tensor> one = [.. Body.Inputs.Select((type, i) => Subgraph.Input(i, type))];
        ImmutableArray<Tensor> all = [.. one.Select((t, i) => i < States || sharded[i] ? Subgraph.Input(i, new TensorType(t.DType, t.Shape.Prepend(shards.Count))) : t)];
        var sources = Enumerable.Range(0, one.Length).Where(i => all[i] != one[i]).ToDictionary(i => one[i], i => all[i]);
        var (body, captured) = Subgraph.Cut(all, ShardAxis.Expand(Body.Apply(one), sources, shards));
        var scan = new Scan(body, Steps, States, [.. InputAxes.Select((a, i) => sharded[States + i] ? a + 1 : a)], [.. StackAxes.Select(a => a + 1)], Reverse);
        return new Node(scan, [.. spread, .. captured], node.Scope).Outputs;
    }

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs)
    {
        var elements = InputAxes.Select((axis, i) => TimeAxis.Unstack(inputs[States + i], axis)).ToArray();
        var fixedInputs = inputs[(States + InputAxes.Count)..];
        var given = new ImmutableArray<Tensor>[Steps];
        var states = inputs[..States];
        for (int i = 0; i < Steps; i++)
        {
            int step = Reverse ? Steps - 1 - i : i;
            given[step] = Body.Apply([.. states, .. elements.Select(e => e[step]), .. fixedInputs]);
            states = given[step][..States];
        }

        return [.. states, .. StackAxes.Select((axis, o) => TimeAxis.Stack([.. given.Select(g => g[o])], axis))];
    }

    private static TensorType Element(TensorType type, int axis) => new(type.DType, type.Shape.RemoveAt(axis));
}
