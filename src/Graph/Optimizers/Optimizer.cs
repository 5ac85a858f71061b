using System.Collections.Immutable;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>A parameter's next value and that of what the optimizer remembers of it.</summary>
public sealed record Updated(Tensor Parameter, ImmutableArray<Tensor> State);

/// <summary>How a gradient changes a parameter: graph like everything else.</summary>
public abstract record Optimizer
{
    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>Names of what is remembered of each parameter; zeros at first.</summary>
    public abstract ImmutableArray<string> StateNames { get; }

    /// <param name="gradient">Of the mean over the batch.</param>
    /// <param name="step">Float32 scalar, 0 for the first.</param>
    public abstract Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, Tensor step, long totalSteps);
}

/// <summary>
/// v ← momentum · v + g + decay · p; p ← p − rate · v, or with Nesterov p − rate · (g + decay · p + momentum · v). Source: Sutskever,
/// Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning" (2013), in PyTorch's form.
/// </summary>
public sealed record Sgd : Optimizer
{
    public double LearningRate { get; init; } = 0.01;

    public double Momentum { get; init; }

    public bool Nesterov { get; init; }

    public double WeightDecay { get; init; }

    public override ImmutableArray<string> StateNames => Momentum == 0 ? [] : ["momentum"];

    public override Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, Tensor step, long totalSteps)
    {
        var rate = Schedule.Factor(step, totalSteps) * LearningRate;
        var slope = WeightDecay == 0 ? gradient : gradient + parameter * WeightDecay;
        if (Momentum == 0)
            return new Updated(parameter - rate * slope, []);
        var velocity = state[0] * Momentum + slope;
        return new Updated(parameter - rate * (Nesterov ? slope + velocity * Momentum : velocity), [velocity]);
    }
}
