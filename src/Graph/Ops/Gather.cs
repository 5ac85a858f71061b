using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>Rows of a table [v, d…] by Int32 indices [i…] → [i…, d…]; an index that is out of range gives zeros.</summary>
public sealed record Gather : Op
{
    public override string Name => "Gather";

    public static Tensor Apply(Tensor table, Tensor indices) => new Node(new Gather(), [table, indices]).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        if (inputs[0].Shape.Rank == 0 || inputs[1].DType != DType.Int32)
            throw new GraphException($"rows are taken from a table [rows, …] by int32 indices, not from {inputs[0]} by {inputs[1]}");
        return One(inputs[0].DType, Shape.Of([.. inputs[1].Shape, .. inputs[0].Shape.Dims[1..]]));
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0] is { } up && up.DType.IsFloat() ? ScatterAdd.Apply(node.Inputs[1], up, node.Inputs[0].Shape[0]) : null, null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        if (!sharded[0])
            return new Node(this, inputs, node.Scope).Outputs;
        // A table of each shard's own: one table of all their rows.
        long rows = node.Inputs[0].Shape[0];
        var table = inputs[0].Reshape(Shape.Of([shards.Count * rows, .. inputs[0].Shape.Dims[2..]]));
        var first = Constant.Create<int>([.. Enumerable.Range(0, shards.Count).Select(s => checked((int)(s * rows)))],
            Shape.Of([shards.Count, .. node.Inputs[1].Shape.Select(_ => 1L)]));
        var indices = Pointwise.Apply("RowOfShard", a => Fn.Select((a[0] < 0) | (a[0] >= (double)rows), -1, a[0] + a[1]), inputs[1], first);
        return new Node(this, [table, indices], node.Scope).Outputs;
    }

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var (table, indices, target) = (lowerer.Contiguous(node, node.Inputs[0]), lowerer.Contiguous(node, node.Inputs[1]), lowerer.Target(node.Output));
        long width = node.Inputs[0].Shape.Dims[1..].ToArray().Aggregate(1L, (n, d) => n * d), count = indices.Shape.Count;
        lowerer.Emit(node, new GatherKernel(Operands.Reshape(table, Shape.Of(table.Shape[0], width))!, Operands.Reshape(indices, Shape.Of(count))!,
            Operands.Reshape(target, Shape.Of(count, width))!));
    }
}

/// <summary>
/// Zeros [Rows, d…] to which updates [i…, d…] are added where Int32 indices [i…] say, repeats one after the other. <c>PerShard</c>: inputs
/// and result have a leading axis of shards; <c>OverShards</c>: the result is the sum over it, <c>Rounded</c> as <see cref="ShardSum"/> says.
/// </summary>
public sealed record ScatterAdd(long Rows, bool PerShard = false, bool OverShards = false, bool Rounded = false) : Op
{
    public override string Name => "ScatterAdd";

    public static Tensor Apply(Tensor indices, Tensor updates, long rows) => new Node(new ScatterAdd(rows), [indices, updates]).Output;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (indices, updates) = (inputs[0], inputs[1]);
        if (indices.DType != DType.Int32 || updates.Shape.Rank < indices.Shape.Rank || !updates.Shape.Dims[..indices.Shape.Rank].SequenceEqual(indices.Shape.Dims))
            throw new GraphException($"updates {updates} are not rows for indices {indices}");
        var row = updates.Shape.Dims[indices.Shape.Rank..];
        return One(updates.DType, PerShard && !OverShards ? Shape.Of([updates.Shape[0], Rows, .. row]) : Shape.Of([Rows, .. row]));
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [null, upstream[0] is { } up ? Gather.Apply(up, node.Inputs[0]) : null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this with { PerShard = true }, [.. inputs.Select((t, i) => sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))], node.Scope).Outputs;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var (indices, updates, target) = (lowerer.Contiguous(node, node.Inputs[0]), lowerer.Contiguous(node, node.Inputs[1]), lowerer.Target(node.Output));
        long shards = PerShard ? indices.Shape[0] : 1, count = indices.Shape.Dims[(PerShard ? 1 : 0)..].ToArray().Aggregate(1L, (n, d) => n * d);
        long width = updates.Shape.Dims[indices.Shape.Rank..].ToArray().Aggregate(1L, (n, d) => n * d);
        ImmutableArray<ShardRange> tree = OverShards || !PerShard ? [new ShardRange(0, (int)shards)]
            : [.. Enumerable.Range(0, (int)shards).Select(s => new ShardRange(s, 1))];
        lowerer.Emit(node, new ScatterAddKernel(Operands.Reshape(indices, Shape.Of(shards, count))!, Operands.Reshape(updates, Shape.Of(shards, count, width))!,
            Operands.Reshape(target, Shape.Of(tree.Length, Rows, width))!, tree, Rounded));
    }
}
