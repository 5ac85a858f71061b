using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Sums products over pairs of axes: the result's axes are the batch pairs, then the left's free axes, then the right's.
/// <c>OverShards</c>: batch pair 0 counts shards, which are summed along their tree, <c>Rounded</c> as <see cref="ShardSum"/> says. <c>Body</c>, where fusion put one, is applied
/// to the result (argument 0) and further inputs.
/// </summary>
public sealed record Contract(
    Seq<int> LeftBatch, Seq<int> RightBatch, Seq<int> LeftSum, Seq<int> RightSum, bool OverShards = false, ScalarProgram? Body = null, bool Rounded = false) : Op
{
    public override string Name => Body is null ? "Contract" : "Contract+map";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (left, right) = (inputs[0], inputs[1]);
        if (left.DType.Computed() != right.DType.Computed() || !left.DType.Computed().IsFloat())
            throw new GraphException($"a product of {left} and {right}: both must be of one floating type");
        Match(LeftBatch, RightBatch, "batch");
        Match(LeftSum, RightSum, "summed");
        var result = Shape.Of([.. LeftBatch.Select(a => left.Shape[a]).Skip(OverShards ? 1 : 0), .. Free(left.Shape, LeftBatch, LeftSum).Select(a => left.Shape[a]),
            .. Free(right.Shape, RightBatch, RightSum).Select(a => right.Shape[a])]);
        return One(Body is null ? left.DType.Computed() : Body.Instructions[Body.Results[0]].Type, result);

        void Match(Seq<int> a, Seq<int> b, string what)
        {
            for (int i = 0; i < a.Count; i++)
            {
                if (left.Shape[a[i]] != right.Shape[b[i]])
                    throw new GraphException($"a product of {left.Shape} and {right.Shape}: {what} axes {a[i]} and {b[i]} differ, {left.Shape[a[i]]} against {right.Shape[b[i]]}");
            }
        }
    }

    internal static ImmutableArray<int> Free(Shape shape, Seq<int> batch, Seq<int> sum) =>
        [.. Enumerable.Range(0, shape.Rank).Where(a => !batch.Contains(a) && !sum.Contains(a))];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up)
            return [null, null];
        var (left, right) = (node.Inputs[0], node.Inputs[1]);
        var leftFree = Free(left.Shape, LeftBatch, LeftSum);
        var rightFree = Free(right.Shape, RightBatch, RightSum);
        int batch = LeftBatch.Count;
        ImmutableArray<int> upLeft = [.. Enumerable.Range(batch, leftFree.Length)], upRight = [.. Enumerable.Range(batch + leftFree.Length, rightFree.Length)];
        return
        [
            OneSide(up, upRight, right, RightBatch, rightFree, left.Shape.Rank, LeftBatch, leftFree, LeftSum, RightSum),
            OneSide(up, upLeft, left, LeftBatch, leftFree, right.Shape.Rank, RightBatch, rightFree, RightSum, LeftSum),
        ];
    }

    /// <summary>The gradient of one factor: upstream times the other factor, summed over the other's free axes.</summary>
    private static Tensor OneSide(Tensor up, ImmutableArray<int> upSum, Tensor other, Seq<int> otherBatch, ImmutableArray<int> otherFree,
        int rank, Seq<int> batch, ImmutableArray<int> free, Seq<int> sum, Seq<int> otherSum)
    {
        Seq<int> upBatch = [.. Enumerable.Range(0, batch.Count)];
        // The other's summed axes come out in their own order; say which of ours each is.
        var remaining = Free(other.Shape, otherBatch, [.. otherFree]).Select(a => sum[otherSum.IndexOf(a)]).ToArray();
        int[] freeFirst = [.. batch, .. free, .. remaining], sumFirst = [.. batch, .. remaining, .. free];
        bool swap = !IsIdentity(freeFirst) && IsIdentity(sumFirst);
        var product = swap
            ? new Node(new Contract(otherBatch, upBatch, [.. otherFree], [.. upSum]), [other, up]).Output
            : new Node(new Contract(upBatch, otherBatch, [.. upSum], [.. otherFree]), [up, other]).Output;
        var order = swap ? sumFirst : freeFirst;
        return IsIdentity(order) ? product : product.Transpose([.. Enumerable.Range(0, rank).Select(a => Array.IndexOf(order, a))]);

        static bool IsIdentity(int[] order) => order.SequenceEqual(Enumerable.Range(0, order.Length));
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        var (left, right) = (inputs[0], inputs[1]);
        Seq<int> Shift(Seq<int> axes, bool by) => by ? axes.Select(a => a + 1).ToSeq() : axes;
        var shifted = new Contract(Shift(LeftBatch, sharded[0]), Shift(RightBatch, sharded[1]), Shift(LeftSum, sharded[0]), Shift(RightSum, sharded[1]));
        if (sharded[0] && sharded[1])
            return new Node(shifted with { LeftBatch = [0, .. shifted.LeftBatch], RightBatch = [0, .. shifted.RightBatch] }, inputs, node.Scope).Outputs;
        // One factor is the same for all shards: theirs is one more free axis, that is, more rows at once.
        var product = new Node(shifted, inputs, node.Scope).Output;
        int position = sharded[0] ? LeftBatch.Count : LeftBatch.Count + Free(left.Shape, shifted.LeftBatch, shifted.LeftSum).Length;
        return [position == 0 ? product : product.Transpose([position, .. Enumerable.Range(0, product.Shape.Rank).Where(a => a != position)])];
    }

    internal override bool WritesInto(Node node, Operand window) => AsMatrices(node, window) is not null;

    /// <summary>The view [batch…, rows, columns] of something with the result's shape, or null where there is none.</summary>
    private Operand? AsMatrices(Node node, Operand result)
    {
        int batches = LeftBatch.Count - (OverShards ? 1 : 0), rows = Free(node.Inputs[0].Shape, LeftBatch, LeftSum).Length;
        return Operands.Group(result, [.. Enumerable.Range(0, batches)], [.. Enumerable.Range(batches, rows)],
            [.. Enumerable.Range(batches + rows, result.Shape.Rank - batches - rows)]);
    }

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var (left, right) = (lowerer[node.Inputs[0]], lowerer[node.Inputs[1]]);
        var leftFree = Free(left.Shape, LeftBatch, LeftSum);
        var rightFree = Free(right.Shape, RightBatch, RightSum);
        var a = lowerer.Grouped(node, left, [.. LeftBatch], [.. leftFree], [.. LeftSum]);
        var b = lowerer.Grouped(node, right, [.. RightBatch], [.. RightSum], [.. rightFree]);
        var (m, k, n) = (a.Shape[^2], a.Shape[^1], b.Shape[^1]);
        if (b.Shape[^2] != k)
            throw new InvalidOperationException($"summed axes of {left.Shape} and {right.Shape} were grouped differently");
        var target = lowerer.Target(node.Output);
        // Fresh targets and bucket rows are contiguous but for the outermost axis, and windows are asked first.
        var c = AsMatrices(node, target) ?? throw new InvalidOperationException($"{Name} into {target}");
        if (OverShards)
            c = c with { Shape = c.Shape.Prepend(1), Strides = [0, .. c.Strides] };
        ImmutableArray<ShardRange> tree = OverShards ? [new ShardRange(0, (int)a.Shape[0])] : [];
        if (new[] { a, b, c }.Any(o => o.DType == DType.BFloat16))
        {
            var read = node.Inputs[2..].Select(i => Operands.Broadcast(lowerer[i], node.Output.Shape)).Select(e => AsMatrices(node, e) ?? AsMatrices(node, lowerer.Materialise(node, e))!);
            new HalfProduct(node, lowerer).Emit(new ContractKernel(a, b, c, tree, null, Rounded), Body is null ? null : ScalarBody.Expand(Body), [.. read]);
            return;
        }

        if (Body is null)
        {
            lowerer.EmitProduct(node, new ContractKernel(a, b, c, tree, null, Rounded));
            return;
        }

        var program = ScalarBody.Expand(Body);
        var extras = node.Inputs[2..].Select(i => Operands.Broadcast(lowerer[i], node.Output.Shape)).ToImmutableArray();
        var grouped = extras.Select(e => AsMatrices(node, e)).ToArray();
        if (grouped.All(g => g is not null) && Body.Instructions[Body.Results[0]].Type == a.DType)
        {
            lowerer.EmitProduct(node, new ContractKernel(a, b, c, tree, new Epilogue(program, [.. grouped.Select(g => g!)])));
            return;
        }

        lowerer.EmitProduct(node, new ContractKernel(a, b, c, tree, null));
        lowerer.Emit(node, new MapKernel(program, [target, .. extras], [target]));
    }
}
