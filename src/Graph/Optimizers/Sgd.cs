using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>
/// With g the gradient plus decay · p: v ← momentum · v + (1 − dampening) · g (the first step: g); p ← p − rate · v, or with Nesterov
/// p − rate · (g + momentum · v). Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
/// learning" (2013), in PyTorch's form.
/// </summary>
public sealed record Sgd : Optimizer
{
    public double Momentum { get; init; }

    public double Dampening { get; init; }

    public bool Nesterov { get; init; }

    public override ImmutableArray<string> StateNames => Momentum == 0 ? [] : ["momentum"];

    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay)
    {
        var slope = WithDecay(gradient, parameter, weightDecay);
        if (Momentum == 0)
            return new Updated(parameter - step.Rate * slope, []);
        var fresh = Dampening == 0 ? slope
            : slope * Pointwise.Apply("Dampening", a => Fn.Select(Fn.Equal(a[0], 0), Scalar.Literal(1, a[0].Type!.Value), 1 - Dampening), step.Number);
        var velocity = state[0] * Momentum + fresh;
        return new Updated(parameter - step.Rate * (Nesterov ? slope + velocity * Momentum : velocity), [velocity]);
    }
}
