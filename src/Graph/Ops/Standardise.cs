using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// (x − mean) / √(variance + ε) by the moments of x itself over <c>Axes</c>, which come as inputs with 1 at those axes; then · weight + bias
/// where given, whatever they broadcast along. The gradient is the total one, through the moments too, so none flows to them by themselves:
/// two sums over the axes instead of the five of its parts. Source: Ioffe, Szegedy, "Batch normalization" (2015), section 3.
/// </summary>
public sealed record Standardise(Seq<int> Axes, double Epsilon) : Op
{
    public override string Name => "Standardise";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (type, shape) = (inputs[0].DType, inputs[0].Shape);
        if (!type.IsFloat() || inputs.Any(i => i.DType != type || !i.Shape.BroadcastsTo(shape)) || inputs[1].Shape != Kept(shape) || inputs[2].Shape != Kept(shape))
            throw new GraphException($"{inputs[0]} cannot be standardised over axes {Axes} by {string.Join(", ", inputs[1..])}");
        return One(type, shape);
    }

    private Shape Kept(Shape shape) => Shape.Of([.. shape.Select((dim, axis) => Axes.Contains(axis) ? 1 : dim)]);

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up)
            return [.. node.Inputs.Select(_ => (Tensor?)null)];
        var (x, mean, variance) = (node.Inputs[0], node.Inputs[1], node.Inputs[2]);
        var scale = Scale(variance);
        double share = 1.0 / Math.Max(1, Axes.Aggregate(1L, (n, axis) => n * x.Shape[axis]));
        if (node.Inputs.Length == 3)
            return [Down(Total(up), Total(Times(up)), null), null, null];
        var (weight, bias) = (node.Inputs[3], node.Inputs[4]);
        if (IsConstant(weight.Shape, x.Shape) && IsConstant(bias.Shape, x.Shape))
        {
            // What the parameters' gradients need is what the input's needs.
            var (sum, product) = (Total(up), Total(Times(up)));
            return [Down(sum, product, weight), null, null, product.SumTo(weight.Shape), sum.SumTo(bias.Shape)];
        }

        // Each sum weights for itself, in its own pass: a weighted gradient that both read would be stored.
        var weighted = Pointwise.Apply("Standardise'", a => a[0] * Standard(a[1], a[2], a[3]) * a[4], up, x, mean, scale, weight);
        return
        [
            Pointwise.Apply("Standardise'", a => Slope(a[0] * a[6], a[1], a[2], a[3], a[4], a[5]), up, Total(up * weight), Total(weighted), x, mean, scale, weight),
            null, null, Times(up).SumTo(weight.Shape), up.SumTo(bias.Shape),
        ];

        Tensor Total(Tensor value) => value.Sum(Axes.Items.AsSpan()).Reshape(mean.Shape);

        Tensor Times(Tensor value) => Pointwise.Apply("Standardise'", a => a[0] * Standard(a[1], a[2], a[3]), value, x, mean, scale);

        Tensor Down(Tensor sum, Tensor product, Tensor? factor) => factor is null
            ? Pointwise.Apply("Standardise'", a => Slope(a[0], a[1], a[2], a[3], a[4], a[5]), up, sum, product, x, mean, scale)
            : Pointwise.Apply("Standardise'", a => a[6] * Slope(a[0], a[1], a[2], a[3], a[4], a[5]), up, sum, product, x, mean, scale, factor);

        Scalar Slope(Scalar value, Scalar sum, Scalar product, Scalar of, Scalar m, Scalar s) => (value - sum * share - Standard(of, m, s) * (product * share)) * s;
    }

    private bool IsConstant(Shape shape, Shape of) => Axes.All(axis => axis < of.Rank - shape.Rank || shape[axis - (of.Rank - shape.Rank)] == 1);

    // Root and quotient once for all that share a variance.
    private Tensor Scale(Tensor variance) => Pointwise.Apply("Scale", a => 1 / Fn.Sqrt(a[0] + Epsilon), variance);

    private static Scalar Standard(Scalar x, Scalar mean, Scalar scale) => (x - mean) * scale;

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        int rank = node.Output.Shape.Rank;
        var spread = inputs.Select((input, i) => sharded[i]
            ? input.Reshape(Shape.Of([shards.Count, .. Enumerable.Repeat(1L, rank + 1 - input.Shape.Rank), .. input.Shape.Dims[1..]]))
            : i < 3 ? input.BroadcastTo(input.Shape.Prepend(shards.Count)) : input);
        return new Node(new Standardise(Axes.Select(a => a + 1).ToSeq(), Epsilon), [.. spread], node.Scope).Outputs;
    }

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs)
    {
        ImmutableArray<Tensor> scaled = inputs.SetItem(2, Scale(inputs[2]));
        return [inputs.Length == 3
            ? Pointwise.Apply("Standardise", a => Standard(a[0], a[1], a[2]), [.. scaled])
            : Pointwise.Apply("Standardise", a => Standard(a[0], a[1], a[2]) * a[3] + a[4], [.. scaled])];
    }
}
