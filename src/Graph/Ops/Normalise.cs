using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// (x − mean) / √(variance + Epsilon) · weight + bias with mean and biased variance over <c>Axes</c>: inputs x, weight and bias, the latter with
/// as many axes as x, 1 where they repeat; results the normalised values, the mean and the variance, [.. 1 for each of Axes ..]. In two
/// passes, so that the squares of differences lose no digits; nothing but the statistics is kept for the gradient.
/// </summary>
public sealed record Normalise(Seq<int> Axes, double Epsilon) : Op
{
    public override string Name => "Normalise";

    public static (Tensor Values, Tensor Mean, Tensor Variance) Apply(Tensor x, ReadOnlySpan<int> axes, Tensor weight, Tensor bias, double epsilon)
    {
        var results = new Node(new Normalise(Seq.Create(axes), epsilon), [x, weight.WithRank(x.Shape.Rank), bias.WithRank(x.Shape.Rank)]).Outputs;
        return (results[0], results[1], results[2]);
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (x, weight, bias) = (inputs[0], inputs[1], inputs[2]);
        if (!x.DType.IsFloat() || weight.DType != x.DType || bias != weight || weight.Shape.Rank != x.Shape.Rank || !weight.Shape.BroadcastsTo(x.Shape))
            throw new GraphException($"normalising {x} with weight {weight} and bias {bias}: both must be of its type and stretch to its shape");
        var kept = Kept(x.Shape);
        return [x, x with { Shape = kept }, x with { Shape = kept }];
    }

    private Shape Kept(Shape shape)
    {
        var axes = Axes;
        return Shape.Of([.. shape.Select((dim, a) => axes.Contains(a) ? 1 : dim)]);
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        var (x, weight) = (node.Inputs[0], node.Inputs[1]);
        var (mean, variance) = (node.Outputs[1], node.Outputs[2]);
        ImmutableArray<Tensor?> gradients = [null, null, null];
        if (upstream[0] is { } up)
        {
            Seq<int> repeats = [.. Enumerable.Range(0, x.Shape.Rank).Where(a => weight.Shape[a] == 1 && x.Shape[a] != 1)];
            gradients = [.. new Node(new NormaliseGradient(this, repeats), [x, weight, mean, variance, up]).Outputs];
        }

        double count = Count(x.Shape);
        if (upstream[1] is { } byMean)
            gradients = gradients.SetItem(0, Sum(gradients[0], (byMean * (1 / count)).BroadcastTo(x.Shape)));
        if (upstream[2] is { } byVariance)
            gradients = gradients.SetItem(0, Sum(gradients[0], byVariance * (x - mean) * (2 / count)));
        return gradients;

        static Tensor Sum(Tensor? before, Tensor more) => before is null ? more : before + more;
    }

    internal double Count(Shape shape) => Axes.Aggregate(1.0, (n, a) => n * shape[a]);

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        if (!sharded[0] || sharded[1] != sharded[2])
            inputs = [.. inputs.Select((t, i) => sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))];
        else if (!sharded[1])
            inputs = [inputs[0], .. inputs[1..].Select(t => t.Reshape(t.Shape.Prepend(1)))];
        return new Node(WithShards, inputs, node.Scope).Outputs;
    }

    internal Normalise WithShards => this with { Axes = [.. Axes.Select(a => a + 1)] };

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs)
    {
        var (x, weight, bias) = (inputs[0], inputs[1], inputs[2]);
        var (mean, variance) = (Mean(x), Variance(x, Mean(x)));
        return [Pointwise.Apply("Normalise", a => (a[0] - a[1]) * a[2] * a[3] + a[4], x, mean, Scale(variance), weight, bias), mean, variance];
    }

    /// <summary>What the op means, differentiable.</summary>
    internal Tensor Meaning(Tensor x, Tensor weight)
    {
        var mean = Mean(x);
        return (x - mean) * Scale(Variance(x, mean)) * weight;
    }

    private Tensor Mean(Tensor x) => x.Sum(Axes.Items.AsSpan()).Reshape(Kept(x.Shape)) * (1 / Count(x.Shape));

    private Tensor Variance(Tensor x, Tensor mean) =>
        Pointwise.Apply("SquaredDifference", a => (a[0] - a[1]) * (a[0] - a[1]), x, mean).Sum(Axes.Items.AsSpan()).Reshape(mean.Shape) * (1 / Count(x.Shape));

    /// <summary>1 / √(variance + ε).</summary>
    internal Tensor Scale(Tensor variance) => Pointwise.Apply("Scale", a => 1 / Fn.Sqrt(a[0] + Epsilon), variance);
}

/// <summary>
/// Gradients of x, weight and bias of a <see cref="Normalise"/>; inputs x, weight, mean, variance and the upstream gradient. <c>Repeats</c>: the
/// axes along which weight and bias repeat. Each pass over x recomputes what it needs of it: differences are never stored.
/// </summary>
public sealed record NormaliseGradient(Normalise Of, Seq<int> Repeats) : Op
{
    public override string Name => "Normalise.Gradient";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [inputs[0], inputs[1], inputs[1]];

    /// <summary>The statistics are known from x, so they count as constants.</summary>
    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        var (x, weight, up) = (node.Inputs[0], node.Inputs[1], node.Inputs[4]);
        var second = Definition.SecondGradients(i => Of.Meaning(i[0], i[1]) + i[2], [x, weight, Fill.Create(weight.DType, weight.Shape, 0)], up, upstream);
        return [second[0], second[1], null, null, second[3]];
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(new NormaliseGradient(Of.WithShards, [.. Repeats.Select(a => a + 1)]),
            [.. inputs.Select((t, i) => sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))], node.Scope).Outputs;

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs)
    {
        var (x, weight, mean, up) = (inputs[0], inputs[1], inputs[2], inputs[4]);
        var scale = Of.Scale(inputs[3]);
        double count = Of.Count(x.Shape);
        var (axes, repeats) = (Of.Axes, Repeats);
        // Where the weight is the same along the axes its gradient and the sums that x needs are sums of one kind.
        bool shared = axes.All(a => weight.Shape[a] == 1);
        var factor = shared ? Fill.Create(x.DType, Shape.Scalar, 1) : weight;
        var sum = Pointwise.Apply("Weighted", a => a[0] * a[1], up, factor).Sum(axes.Items.AsSpan()).Reshape(mean.Shape);
        var product = Pointwise.Apply("WeightedValue", a => a[0] * a[1] * ((a[2] - a[3]) * a[4]), up, factor, x, mean, scale).Sum(axes.Items.AsSpan()).Reshape(mean.Shape);
        var outer = shared ? weight : Fill.Create(x.DType, Shape.Scalar, 1);
        var dx = Pointwise.Apply("NormaliseGradient", a => a[0] * a[6] * (a[1] * a[2] - a[3] * (1 / count) - (a[4] - a[5]) * a[0] * (a[7] * (1 / count))),
            scale, up, factor, sum, x, mean, outer, product);
        return shared
            ? [dx, product.Sum(Rest()).Reshape(weight.Shape), sum.Sum(Rest()).Reshape(weight.Shape)]
            : [dx, Pointwise.Apply("WeightGradient", a => a[0] * ((a[1] - a[2]) * a[3]), up, x, mean, scale).Sum(repeats.Items.AsSpan()).Reshape(weight.Shape),
                up.Sum(repeats.Items.AsSpan()).Reshape(weight.Shape)];

        int[] Rest() => [.. repeats.Where(a => !axes.Contains(a))];
    }
}
