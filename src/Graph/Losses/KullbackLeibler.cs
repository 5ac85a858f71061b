using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Losses;

/// <summary>
/// Σ target · (log target − log softmax(output)) over the innermost axis: outputs are logits [n, …, classes], targets probabilities of the
/// same shape; 0 · log 0 is 0. A sample's loss is the mean over its positions.
/// </summary>
public sealed record KullbackLeibler : Loss
{
    public override Tensor PerSample(Tensor output, Tensor target)
    {
        if (output.Shape.Rank < 2 || !target.DType.IsFloat() || target.Shape != output.Shape)
            throw new GraphException($"kl takes the model's output [n, …, classes] and probabilities of the same shape, not {output.Type} and {target.Type}");
        var (logits, sum) = Composites.LogSumExp(output);
        var t = target.Convert(output.DType);
        var against = Pointwise.Apply("Divergence", a => Fn.Select(a[0] > 0, a[0] * (Fn.Log(a[0]) - a[1]), 0), t, logits).Sum(-1);
        return MeanPerSample(against + sum * t.Sum(-1));
    }
}
