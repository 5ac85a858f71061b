using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>A scalar program at every point of inputs that broadcast together. Fused chains are the same op with a longer program.</summary>
public sealed record Pointwise(string Label, ScalarProgram Body) : Op
{
    public override string Name => Label;

    /// <summary>The catalog's op on tensors of one type.</summary>
    public static Tensor Apply(string name, params ReadOnlySpan<Tensor> inputs) => Apply(PointwiseCatalog.Get(name), inputs);

    public static Tensor Apply(PointwiseEntry entry, params ReadOnlySpan<Tensor> inputs)
    {
        foreach (var input in inputs)
        {
            if (!input.DType.IsFloat() && !(entry.Integers && input.DType is DType.Int32 or DType.Int64))
                throw new GraphException($"{entry.Name} takes {(entry.Integers ? "floating numbers, int32 or int64" : "floating numbers")}, not {input.Type}: convert it first");
        }

        return Apply(entry.Name, entry.Body, inputs);
    }

    /// <summary>A body of the caller's own; its derivative comes from the body.</summary>
    public static Tensor Apply(string label, Func<Scalar[], Scalar> body, params ReadOnlySpan<Tensor> inputs)
    {
        var types = ImmutableArray.CreateRange(inputs.ToArray().Select(t => t.DType));
        var arguments = types.Select((type, i) => Scalar.Argument(i, type)).ToArray();
        Scalar result;
        try
        {
            result = body(arguments);
        }
        catch (GraphException e)
        {
            throw new GraphException($"{label}({string.Join(", ", types)}): {e.Message}", e);
        }

        return new Node(new Pointwise(label, ScalarBody.Compile(types, result)), [.. inputs]).Output;
    }

    public DType ResultType => Body.Instructions[Body.Results[0]].Type;

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        if (inputs.Length != Body.Arguments.Length)
            throw new GraphException($"{Name} takes {Body.Arguments.Length} inputs, not {inputs.Length}");
        var shape = Shape.Scalar;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].DType != Body.Arguments[i])
                throw new GraphException($"{Name}: input {i} is {inputs[i]}, expected {Body.Arguments[i]}");
            try
            {
                shape = Shape.Broadcast(shape, inputs[i].Shape);
            }
            catch (ArgumentException e)
            {
                throw new GraphException($"{Name}: {e.Message}", e);
            }
        }

        return One(ResultType, shape);
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up)
            return [.. node.Inputs.Select(_ => (Tensor?)null)];
        var tensors = ImmutableArray.Create([.. node.Inputs, node.Output, up]);
        var arguments = tensors.Select((t, i) => Scalar.Argument(i, t.DType)).ToArray();
        var inputs = arguments[..node.Inputs.Length];
        var body = ScalarBody.Inline(Body, inputs)[0];
        var factors = PointwiseCatalog.Find(Label)?.Gradient?.Invoke(inputs, arguments[^2])
            ?? [.. inputs.Select((_, i) => ScalarBody.Substitute(Derivative.Of(body, i), body, arguments[^2]))];
        return [.. node.Inputs.Select((input, i) => !input.DType.IsFloat() || factors[i].IsLiteral(0) ? null
            : Compose(Label + "'", arguments[^1] * factors[i], tensors).SumTo(input.Shape))];
    }

    /// <summary>The expression over those tensors its arguments name, renumbered to the ones it uses.</summary>
    internal static Tensor Compose(string label, Scalar expression, ImmutableArray<Tensor> tensors)
    {
        var program = ScalarBody.Compile([.. tensors.Select(t => t.DType)], expression);
        var (used, narrowed) = ScalarBody.Narrow(program);
        return new Node(new Pointwise(label, narrowed), [.. used.Select(i => tensors[i])]).Output;
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        // Broadcasting aligns on the right, so the shard axis must stand left of the longest input's axes.
        int rank = node.Output.Shape.Rank;
        return new Node(this, [.. inputs.Select((input, i) => !sharded[i] || input.Shape.Rank == rank + 1 ? input
            : input.Reshape(Shape.Of([shards.Count, .. Enumerable.Repeat(1L, rank + 1 - input.Shape.Rank), .. input.Shape.Dims[1..]])))], node.Scope).Outputs;
    }

    internal override bool WritesInto(Node node, Operand window) => true;

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var shape = node.Output.Shape;
        var sources = node.Inputs.Select(i => Operands.Broadcast(lowerer[i], shape)).ToImmutableArray();
        lowerer.EmitMap(node, ScalarBody.Expand(Body), sources);
    }
}
