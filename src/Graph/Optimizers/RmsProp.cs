using System.Collections.Immutable;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>
/// With g the gradient plus decay · p: v ← α · v + (1 − α) · g²; u = g / (√v + ε), or centered, with a ← α · a + (1 − α) · g, u = g / (√(v − a²) + ε);
/// p ← p − rate · u, or with momentum b ← momentum · b + u, p ← p − rate · b. Source: Tieleman, Hinton, lecture 6.5 of "Neural networks for machine
/// learning" (2012), in PyTorch's form.
/// </summary>
public sealed record RmsProp : Optimizer
{
    public double Alpha { get; init; } = 0.99;

    public double Epsilon { get; init; } = 1e-8;

    public double Momentum { get; init; }

    public bool Centered { get; init; }

    public override ImmutableArray<string> StateNames =>
        ["square-average", .. Centered ? ["gradient-average"] : Array.Empty<string>(), .. Momentum == 0 ? Array.Empty<string>() : ["momentum"]];

    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay)
    {
        var slope = WithDecay(gradient, parameter, weightDecay);
        var next = ImmutableArray.Create(state[0] * Alpha + slope * slope * (1 - Alpha));
        var variance = next[0];
        if (Centered)
        {
            var average = state[1] * Alpha + slope * (1 - Alpha);
            next = next.Add(average);
            variance -= average * average;
        }

        var move = slope / (variance.Sqrt() + Epsilon);
        if (Momentum != 0)
        {
            move = state[^1] * Momentum + move;
            next = next.Add(move);
        }

        return new Updated(parameter - step.Rate * move, next);
    }
}
