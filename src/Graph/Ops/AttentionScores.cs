using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>What an attention makes of products of queries and keys, wherever it lies in the whole: scaled, masked, and safe where nothing is seen.</summary>
internal sealed class AttentionScores(Attention op, Tensor? mask, Shape whole)
{
    // One list of positions serves every block; each reads its part.
    private readonly Tensor? positions = op.CausalOffset is { } offset ? Composites.Iota(checked((int)Math.Max(whole[^1], whole[^2] + offset))) : null;

    /// <summary>Whether a query may see nothing at all.</summary>
    private bool MayBeBlind => mask is not null;

    /// <summary>Scores from products [b…, h…, r, c] of queries from <paramref name="row"/> and keys from <paramref name="column"/> on.</summary>
    public Tensor Of(Tensor products, long row, long column)
    {
        var scores = mask is null ? products * op.Scale : Masked(products, row, column);
        if (positions is null)
            return scores;
        long rows = products.Shape[^2], columns = products.Shape[^1];
        var reach = AttentionAxes.Part(positions, 0, row + op.CausalOffset!.Value, rows).Reshape(Shape.Of(rows, 1));
        return Pointwise.Apply("Causal", a => Fn.Select(a[0] <= a[1], a[2], double.NegativeInfinity), AttentionAxes.Part(positions, 0, column, columns), reach, scores);
    }

    private Tensor Masked(Tensor products, long row, long column)
    {
        var part = mask!;
        foreach (var (axis, first, count) in new[] { (-2, row, products.Shape[^2]), (-1, column, products.Shape[^1]) })
        {
            if (part.Shape[part.Shape.Rank + axis] > 1)
                part = AttentionAxes.Part(part, axis, first, count);
        }

        return mask!.DType == DType.Bool
            ? Pointwise.Apply("Mask", a => Fn.Select(a[1], a[0] * op.Scale, double.NegativeInfinity), products, part)
            : Pointwise.Apply("Mask", a => a[0] * op.Scale + a[1], products, part);
    }

    /// <summary>e^ of scores less the largest of their row, [b…, h…, r, 1].</summary>
    public Tensor Exponentials(Tensor scores, Tensor largest) => MayBeBlind
        ? Pointwise.Apply("Exp", a => Fn.Exp(a[0] - Fn.Max(a[1], Lowest(a[1]))), scores, largest)
        : Pointwise.Apply("Exp", a => Fn.Exp(a[0] - a[1]), scores, largest);

    /// <summary>1 / Σ, which makes exponentials probabilities; 0 where nothing is seen.</summary>
    public Tensor Norm(Tensor sums) => MayBeBlind
        ? Pointwise.Apply("Norm", a => Fn.Select(a[0] > 0, 1 / a[0], 0), sums)
        : Pointwise.Apply("Reciprocal", sums);

    /// <summary>log Σ e^score; +∞ where nothing is seen, so that e^(score − it) is 0 there.</summary>
    public Tensor LogSum(Tensor largest, Tensor sums) => MayBeBlind
        ? Pointwise.Apply("LogSum", a => Fn.Select(a[1] > 0, a[0] + Fn.Log(a[1]), double.PositiveInfinity), largest, sums)
        : Pointwise.Apply("LogSum", a => a[0] + Fn.Log(a[1]), largest, sums);

    private static Scalar Lowest(Scalar like) => like.Type == DType.Float64 ? double.MinValue : float.MinValue;
}
