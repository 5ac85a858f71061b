using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// What <see cref="Attention"/> means, in plain ops with the scores whole in memory: what tests compare its blocks with, and what is
/// differentiated where its own gradient is asked for one.
/// </summary>
internal static class AttentionDefinition
{
    public static Tensor Whole(Attention op, ImmutableArray<Tensor> inputs)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        var axes = AttentionAxes.Of(q.Shape, op.HeadAxes);
        var products = axes.Products(q, k);
        var scoring = new AttentionScores(op, inputs.Length > 3 ? inputs[3] : null, products.Shape);
        var scores = scoring.Of(products, 0, 0);
        var kept = scores.Shape.With(scores.Shape.Rank - 1, 1);
        // The largest score is the same for the result whatever it is, so no gradient goes through it.
        var e = scoring.Exponentials(scores, scores.Max(-1).Reshape(kept).Detach());
        return axes.AsOperand(axes.Weighted(e * scoring.Norm(e.Sum(-1)).Reshape(kept), v));
    }

    /// <summary>Gradients of queries, keys, values and, where it is floating, the mask; null of a Bool one.</summary>
    public static ImmutableArray<Tensor?> Gradients(Attention op, ImmutableArray<Tensor> inputs, Tensor upstream)
    {
        var leaves = Leaves(inputs, "gradient of attention");
        return Differentiate((Whole(op, leaves) * upstream).SumAll(), leaves);
    }

    /// <summary>The same values as the ends of a graph: differentiating by them goes no further.</summary>
    public static ImmutableArray<Tensor> Leaves(ImmutableArray<Tensor> inputs, string purpose) => [.. inputs.Select((t, i) => Again.Apply(t, $"{purpose} {i}"))];

    public static ImmutableArray<Tensor?> Differentiate(Tensor sum, ImmutableArray<Tensor> leaves)
    {
        var floating = leaves.Where(t => t.DType.IsFloat()).ToArray();
        var gradients = Graph.Gradients.Of(sum, floating);
        return [.. leaves.Select(t => Array.IndexOf(floating, t) is >= 0 and var i ? gradients[i] : null)];
    }
}
