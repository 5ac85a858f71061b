using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>
/// m ← β1 · m + (1 − β1) · g; v ← β2 · v + (1 − β2) · g²; p ← p − rate · m̂ / (√v̂ + ε) with m̂ = m / (1 − β1^t), v̂ = v / (1 − β2^t), t = 1 for the
/// first step. Source: Kingma, Ba, "Adam: a method for stochastic optimization" (2015).
/// </summary>
public abstract record AdaptiveMoments : Optimizer
{
    private protected AdaptiveMoments() => LearningRate = 0.001;

    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.999;

    public double Epsilon { get; init; } = 1e-8;

    public sealed override ImmutableArray<string> StateNames => ["first-moment", "second-moment"];

    private protected Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step)
    {
        var first = state[0] * Beta1 + gradient * (1 - Beta1);
        var second = state[1] * Beta2 + gradient * gradient * (1 - Beta2);
        // Scalars of the step: computed once, not for each parameter.
        var number = step.Number + 1;
        var rate = step.Rate / Powers.Complement(Beta1, number);
        var scale = Pointwise.Apply("InverseRoot", a => 1 / Fn.Sqrt(a[0]), Powers.Complement(Beta2, number));
        return new Updated(parameter - rate * first / (second.Sqrt() * scale + Epsilon), [first, second]);
    }
}

/// <summary><see cref="AdaptiveMoments"/> where g is the gradient plus decay · p.</summary>
public sealed record Adam : AdaptiveMoments
{
    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay) =>
        Update(parameter, WithDecay(gradient, parameter, weightDecay), state, step);
}

/// <summary>
/// <see cref="AdaptiveMoments"/> where p is first multiplied by 1 − rate · decay and g is the gradient alone. Source: Loshchilov, Hutter,
/// "Decoupled weight decay regularization" (2019).
/// </summary>
public sealed record AdamW : AdaptiveMoments
{
    public AdamW() => WeightDecay = 0.01;

    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay) =>
        Update(weightDecay == 0 ? parameter : parameter * (step.Rate * -weightDecay + 1), gradient, state, step);
}
