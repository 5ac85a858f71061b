using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>What <see cref="Attention"/> means, in plain ops with the scores whole in memory.</summary>
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
}
