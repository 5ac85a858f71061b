using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Reduces over axes (ascending), which disappear. <c>Body</c> is applied first, to inputs that broadcast to <c>Domain</c>: the identity
/// until fusion puts a chain there.
/// </summary>
public sealed record Reduce(Reduction Reduction, Seq<int> Axes, ScalarProgram Body, Shape Domain) : Op
{
    public override string Name => Reduction.ToString();

    public static Tensor Apply(Reduction reduction, Tensor input, params ReadOnlySpan<int> axes)
    {
        var sorted = axes.ToArray().Select(a => a < 0 ? a + input.Shape.Rank : a).Distinct().Order().ToArray();
        if (sorted.Any(a => a < 0 || a >= input.Shape.Rank))
            throw new GraphException($"{reduction} over axes [{string.Join(", ", axes.ToArray())}] of a tensor of shape {input.Shape}");
        if (sorted.Length == 0)
            return input;
        if (input.DType is DType.UInt8 or DType.Bool)
            throw new GraphException($"{reduction} of {input.Type}: convert it to int32 first");
        if (reduction != Reduction.Sum && sorted.Any(a => input.Shape[a] == 0))
            throw new GraphException($"{reduction} of no elements: {input.Shape} over axes [{string.Join(", ", sorted)}]");
        var identity = ScalarBody.Compile([input.DType], Scalar.Argument(0, input.DType));
        return new Node(new Reduce(reduction, Seq.Create<int>(sorted), identity, input.Shape), [input]).Output;
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) =>
        One(Body.Instructions[Body.Results[0]].Type, Shape.Of([.. Domain.Where((_, axis) => !Axes.Contains(axis))]));

    private Shape Kept => Shape.Of([.. Domain.Select((dim, axis) => Axes.Contains(axis) ? 1 : dim)]);

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up || !node.Inputs[0].DType.IsFloat())
            return [null];
        var spread = up.Reshape(Kept);
        var input = node.Inputs[0];
        if (Reduction == Reduction.Sum)
            return [spread.BroadcastTo(Domain)];
        // Equal extremes share the gradient, so that it still sums to the upstream one.
        var hit = Pointwise.Apply("IsExtreme", a => Fn.Select(Fn.Equal(a[0], a[1]), Scalar.Literal(1, a[0].Type!.Value), 0), input, node.Output.Reshape(Kept));
        var count = Apply(Reduction.Sum, hit, Axes.Items.AsSpan()).Reshape(Kept);
        return [Pointwise.Apply("ShareExtreme", a => a[0] * a[1] / a[2], spread, hit, count)];
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this with { Axes = Axes.Select(a => a + 1).ToSeq(), Domain = Domain.Prepend(shards.Count) }, inputs, node.Scope).Outputs;

    internal override bool WritesInto(Node node, Operand window) => true;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var target = lowerer.Target(node.Output);
        // The kernel wants the reduced axes kept with length 1.
        var strides = ImmutableArray.CreateBuilder<long>();
        for (int axis = 0, kept = 0; axis < Domain.Rank; axis++)
            strides.Add(Axes.Contains(axis) ? 0 : target.Strides[kept++]);
        lowerer.Emit(node, new ReduceKernel(Reduction, ScalarBody.Expand(Body), [.. node.Inputs.Select(i => Operands.Broadcast(lowerer[i], Domain))],
            Axes.Items, target with { Shape = Kept, Strides = strides.ToImmutable() }));
    }
}
