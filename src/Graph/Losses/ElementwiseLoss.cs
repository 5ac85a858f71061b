using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Losses;

/// <summary>
/// The mean over a sample's values of a function of each output and its target. Targets have as many values as the output, in the same
/// order (nothing broadcasts), and may be whole numbers.
/// </summary>
public abstract record ElementwiseLoss : Loss
{
    /// <summary>The function of one output and its target.</summary>
    private protected abstract Tensor Values(Tensor output, Tensor target);

    public sealed override Tensor PerSample(Tensor output, Tensor target) => MeanPerSample(Values(output, Aligned(output, target)));

    private protected Tensor Aligned(Tensor output, Tensor target) => output.Shape.Rank > 0 && output.Shape.Count == target.Shape.Count
        ? target.Reshape(output.Shape).Convert(output.DType)
        : throw new GraphException($"{LossCatalog.NameOf(this)} takes as many target values as the model gives, not {target.Type} for {output.Type}");
}

/// <summary>(output − target)².</summary>
public sealed record MeanSquaredError : ElementwiseLoss
{
    private protected override Tensor Values(Tensor output, Tensor target) => Pointwise.Apply("SquaredError", a => (a[0] - a[1]) * (a[0] - a[1]), output, target);
}

/// <summary>|output − target|; where they are equal the gradient is 0.</summary>
public sealed record MeanAbsoluteError : ElementwiseLoss
{
    private protected override Tensor Values(Tensor output, Tensor target) => Pointwise.Apply("AbsoluteError", a => Fn.Abs(a[0] - a[1]), output, target);
}

/// <summary>
/// ½·(output − target)² up to a distance of <c>Delta</c> and Delta · (distance − ½·Delta) beyond. Source: Huber, "Robust estimation of a
/// location parameter" (1964).
/// </summary>
public sealed record Huber : ElementwiseLoss
{
    public double Delta { get; init; } = 1;

    private protected override Tensor Values(Tensor output, Tensor target) => Pointwise.Apply("Huber", a =>
    {
        var error = a[0] - a[1];
        var distance = Fn.Abs(error);
        return Fn.Select(distance <= Delta, error * error * 0.5, (distance - 0.5 * Delta) * Delta);
    }, output, target);
}

/// <summary>
/// −target · log σ(output) − (1 − target) · log(1 − σ(output)): outputs are logits, targets probabilities. Written so that no logit
/// overflows; its gradient is σ(output) − target.
/// </summary>
public sealed record BinaryCrossEntropy : ElementwiseLoss
{
    public override bool HasAccuracy => !ReconstructsInput;

    private protected override Tensor Values(Tensor output, Tensor target) => Pointwise.Apply("Softplus", output) - output * target;

    /// <summary>Right is a positive logit for a target above ½, and another for the rest.</summary>
    public override Tensor? Correct(Tensor output, Tensor target) => !HasAccuracy ? null : MeanPerSample(Pointwise.Apply("IsRight",
        a => Fn.Select((a[0] > 0) ^ (a[1] > 0.5), 0, Scalar.Literal(1, DType.Float32)), output, Aligned(output, target)));
}
