using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>One after the other along an axis. Inputs that are computed for it are written straight into their window of the result.</summary>
public sealed record Concat(int Axis) : Op
{
    public override string Name => "Concat";

    public static Tensor Apply(int axis, params ImmutableArray<Tensor> inputs)
    {
        if (inputs.IsEmpty)
            throw new GraphException("a concatenation of nothing has no type");
        int from = axis < 0 ? axis + inputs[0].Shape.Rank : axis;
        return inputs.Length == 1 ? inputs[0] : new Node(new Concat(from), inputs).Output;
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var first = inputs[0];
        if (Axis < 0 || Axis >= first.Shape.Rank)
            throw new GraphException($"{first.Shape} has no axis {Axis} to concatenate along");
        foreach (var other in inputs)
        {
            if (other.DType != first.DType || other.Shape.Rank != first.Shape.Rank || other.Shape.With(Axis, 0) != first.Shape.With(Axis, 0))
                throw new GraphException($"{first} and {other} differ in more than axis {Axis} and cannot be concatenated along it");
        }

        return One(first.DType, first.Shape.With(Axis, inputs.Sum(i => i.Shape[Axis])));
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => upstream[0] is { } up
        ? [.. Split.Apply(up, Axis, [.. node.Inputs.Select(i => i.Shape[Axis])])]
        : [.. node.Inputs.Select(_ => (Tensor?)null)];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(new Concat(Axis + 1), [.. inputs.Select((t, i) => sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))], node.Scope).Outputs;

    internal override bool WritesInto(Node node, Operand window) => true;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        foreach (var target in lowerer.Targets(node.Output))
        {
            var windows = Split.Windows(target, Axis, [.. node.Inputs.Select(i => i.Shape[Axis])]);
            for (int i = 0; i < node.Inputs.Length; i++)
            {
                if (!lowerer.IsPlaced(node.Inputs[i], windows[i]))
                    lowerer.Copy(node, lowerer[node.Inputs[i]], windows[i]);
            }
        }
    }
}

/// <summary>Cut along an axis into pieces of those lengths, which are views.</summary>
public sealed record Split(int Axis, Seq<long> Lengths) : Op
{
    public override string Name => "Split";

    internal override bool IsView => true;

    public static ImmutableArray<Tensor> Apply(Tensor input, int axis, Seq<long> lengths) => lengths.Count == 1 && axis < input.Shape.Rank && lengths[0] == input.Shape[axis]
        ? [input] : new Node(new Split(axis < 0 ? axis + input.Shape.Rank : axis, lengths), [input]).Outputs;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (type, shape) = (inputs[0].DType, inputs[0].Shape);
        if (Axis < 0 || Axis >= shape.Rank || Lengths.Any(l => l < 0) || Lengths.Sum() != shape[Axis])
            throw new GraphException($"axis {Axis} of {shape} cannot be cut into {Lengths}");
        return [.. Lengths.Select(length => new TensorType(type, shape.With(Axis, length)))];
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [Concat.Apply(Axis, [.. upstream.Select((up, i) => up ?? Fill.Create(node.Outputs[i].DType, node.Outputs[i].Shape, 0))])];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(new Split(Axis + 1, Lengths), inputs, node.Scope).Outputs;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var windows = Windows(lowerer[node.Inputs[0]], Axis, Lengths);
        for (int i = 0; i < windows.Length; i++)
            lowerer[node.Outputs[i]] = windows[i];
    }

    internal static ImmutableArray<Operand> Windows(Operand whole, int axis, Seq<long> lengths)
    {
        var windows = ImmutableArray.CreateBuilder<Operand>();
        long start = 0;
        foreach (long length in lengths)
        {
            windows.Add(whole with { Shape = whole.Shape.With(axis, length), Offset = whole.Offset + start * whole.Strides[axis] });
            start += length;
        }

        return windows.ToImmutable();
    }
}
