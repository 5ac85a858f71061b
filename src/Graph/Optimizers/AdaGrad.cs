using System.Collections.Immutable;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>
/// With g the gradient plus decay · p: s ← s + g²; p ← p − rate / (1 + rate decay · step) · g / (√s + ε), step 0 the first. Source: Duchi, Hazan, Singer,
/// "Adaptive subgradient methods for online learning and stochastic optimization" (2011), in PyTorch's form.
/// </summary>
public sealed record AdaGrad : Optimizer
{
    public double RateDecay { get; init; }

    /// <summary>What the sums of squares begin with.</summary>
    public double InitialSum { get; init; }

    public double Epsilon { get; init; } = 1e-10;

    public override ImmutableArray<string> StateNames => ["sum-of-squares"];

    public override double FirstValue(string state) => InitialSum;

    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay)
    {
        var slope = WithDecay(gradient, parameter, weightDecay);
        var sum = state[0] + slope * slope;
        var rate = RateDecay == 0 ? step.Rate : step.Rate / (step.Number * RateDecay + 1);
        return new Updated(parameter - rate * slope / (sum.Sqrt() + Epsilon), [sum]);
    }
}
