namespace Singa.Actors.Graph.Losses;

/// <summary>What training makes small: a number for each sample; the step's loss is their mean.</summary>
public abstract record Loss
{
    /// <summary>The target is the sample itself and not its label: what an autoencoder is measured by.</summary>
    public bool ReconstructsInput { get; init; }

    /// <summary>Whether answers are right or wrong, so that there is an accuracy to speak of.</summary>
    public virtual bool HasAccuracy => false;

    /// <summary>Whether the loss is nats per answer, so that its exponential is a perplexity.</summary>
    public virtual bool IsNegativeLogLikelihood => false;

    /// <summary>[n] from a model's output [n, …] and targets [n, …]. It depends on nothing but the sample, so shards do not matter.</summary>
    /// <exception cref="GraphException">Output and target do not fit; the message says what would.</exception>
    public abstract Tensor PerSample(Tensor output, Tensor target);

    /// <summary>
    /// [n], Float32: 1 where the output's answer is the target, 0 elsewhere, the share of right ones where a sample has several; null where
    /// there is no right or wrong.
    /// </summary>
    public virtual Tensor? Correct(Tensor output, Tensor target) => null;

    /// <summary>As <see cref="Correct"/>, right being a target among the <paramref name="k"/> most likely classes; null where there are no classes.</summary>
    public virtual Tensor? Among(Tensor output, Tensor target, int k) => null;

    /// <summary>[n, …] → [n]: the mean of each sample's values.</summary>
    protected static Tensor MeanPerSample(Tensor values)
    {
        int[] inner = [.. Enumerable.Range(1, values.Shape.Rank - 1)];
        return inner.Length == 0 ? values : values.Sum(inner) * (1.0 / inner.Aggregate(1L, (count, axis) => count * values.Shape[axis]));
    }
}
