using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>The same elements, row by row, in another shape.</summary>
public sealed record Reshape(Shape Target) : Op
{
    public override string Name => "Reshape";

    internal override bool IsView => true;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => inputs[0].Shape.Count == Target.Count
        ? One(inputs[0].DType, Target)
        : throw new GraphException($"{inputs[0].Shape} has {inputs[0].Shape.Count} elements and cannot be reshaped to {Target}");

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [upstream[0]?.Reshape(node.Inputs[0].Shape)];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        [inputs[0].Reshape(Target.Prepend(shards.Count))];

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var source = lowerer[node.Inputs[0]];
        lowerer.Alias(node, Operands.Reshape(source, Target) ?? Operands.Reshape(lowerer.Materialise(node, source), Target)!);
    }

    internal override Operand? Behind(Node node, Operand view) => Operands.Reshape(view, node.Inputs[0].Shape);
}

/// <summary>Axis i of the result is axis Order[i] of the input.</summary>
public sealed record Transpose(Seq<int> Order) : Op
{
    public override string Name => "Transpose";

    internal override bool IsView => true;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) =>
        Order.Order().SequenceEqual(Enumerable.Range(0, inputs[0].Shape.Rank))
            ? One(inputs[0].DType, Shape.Of([.. Order.Select(a => inputs[0].Shape[a])]))
            : throw new GraphException($"{Order} is no order of the axes of {inputs[0].Shape}");

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0]?.Transpose([.. Inverse])];

    private Seq<int> Inverse => [.. Enumerable.Range(0, Order.Count).Select(a => Order.IndexOf(a))];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        [inputs[0].Transpose([0, .. Order.Select(a => a + 1)])];

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, Operands.Transpose(lowerer[node.Inputs[0]], Order));

    internal override Operand? Behind(Node node, Operand view) => Operands.Transpose(view, Inverse);
}

/// <summary>Stretches dimensions of 1, aligned on the right.</summary>
public sealed record BroadcastTo(Shape Target) : Op
{
    public override string Name => "Broadcast";

    internal override bool IsView => true;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => inputs[0].Shape.BroadcastsTo(Target)
        ? One(inputs[0].DType, Target)
        : throw new GraphException($"{inputs[0].Shape} does not broadcast to {Target}");

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [upstream[0]?.SumTo(node.Inputs[0].Shape)];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        var input = inputs[0];
        var aligned = input.Reshape(Shape.Of([shards.Count, .. Enumerable.Repeat(1L, Target.Rank + 1 - input.Shape.Rank), .. input.Shape.Dims[1..]]));
        return [aligned.BroadcastTo(Target.Prepend(shards.Count))];
    }

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, Operands.Broadcast(lowerer[node.Inputs[0]], Target));
}

/// <summary>Elements Start, Start + Step, … of each axis, Length of them.</summary>
public sealed record Slice(Seq<long> Start, Seq<long> Length, Seq<long> Step) : Op
{
    public override string Name => "Slice";

    internal override bool IsView => true;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var shape = inputs[0].Shape;
        if (Start.Count != shape.Rank || Length.Count != shape.Rank || Step.Count != shape.Rank)
            throw new GraphException($"a slice of {shape} names {Start.Count} axes");
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            if (Start[axis] < 0 || Step[axis] < 1 || Length[axis] < 0 || (Length[axis] > 0 && Start[axis] + (Length[axis] - 1) * Step[axis] >= shape[axis]))
                throw new GraphException($"axis {axis} of {shape} has no {Length[axis]} elements from {Start[axis]} in steps of {Step[axis]}");
        }

        return One(inputs[0].DType, Shape.Of([.. Length]));
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        var shape = node.Inputs[0].Shape;
        var after = shape.Select((dim, a) => dim - (Length[a] == 0 ? Start[a] : Start[a] + (Length[a] - 1) * Step[a] + 1));
        return [upstream[0]?.Pad([.. Start], [.. after], [.. Step.Select(s => s - 1)])];
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(new Slice([0, .. Start], [shards.Count, .. Length], [1, .. Step]), inputs, node.Scope).Outputs;

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, Operands.Slice(lowerer[node.Inputs[0]], Start, Length, Step));
}

/// <summary>Zeros before and after each axis, and <c>Between</c> its elements.</summary>
public sealed record Pad(Seq<long> Before, Seq<long> After, Seq<long> Between) : Op
{
    public override string Name => "Pad";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var shape = inputs[0].Shape;
        if (Before.Count != shape.Rank || After.Count != shape.Rank || Between.Count != shape.Rank)
            throw new GraphException($"padding of {shape} names {Before.Count} axes");
        if (Before.Concat(After).Concat(Between).Any(n => n < 0))
            throw new GraphException($"padding of {shape} cannot be negative: {Before}, {After}, {Between}");
        return One(inputs[0].DType, Shape.Of([.. shape.Select((dim, a) => Before[a] + After[a] + dim + Math.Max(0, dim - 1) * Between[a])]));
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0]?.Slice([.. Before], [.. node.Inputs[0].Shape], [.. Between.Select(b => b + 1)])];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        [inputs[0].Pad([0, .. Before], [0, .. After], [0, .. Between])];

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var target = lowerer.Target(node.Output);
        lowerer.Emit(node, new MapKernel(ScalarBody.Compile([], Scalar.Literal(0, target.DType)), [], [target]));
        lowerer.Copy(node, lowerer[node.Inputs[0]],
            Operands.Slice(target, Before, [.. node.Inputs[0].Shape], [.. Between.Select(b => b + 1)]));
    }
}

/// <summary>The same value, through which no gradient flows.</summary>
public sealed record Detach : Op
{
    public override string Name => "Detach";

    internal override bool IsView => true;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [inputs[0]];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) => [null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) => inputs;

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Alias(node, lowerer[node.Inputs[0]]);
}
