using System.Collections.Immutable;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>A parameter's next value and that of what the optimizer remembers of it.</summary>
public sealed record Updated(Tensor Parameter, ImmutableArray<Tensor> State);

/// <summary>What is the same for all parameters in a step: its number (0 for the first) and the learning rate, Float32 scalars.</summary>
public sealed record StepScalars(Tensor Number, Tensor Rate);

/// <summary>
/// How a gradient changes a parameter: graph like everything else. The rules are PyTorch's, to the place of each epsilon, with the
/// gradient of the batch's mean.
/// </summary>
public abstract record Optimizer
{
    public double LearningRate { get; init; } = 0.01;

    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>How much parameters are drawn to zero; each optimizer says in which way.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Patterns (<see cref="NamePattern"/>) of parameters that do not decay.</summary>
    public Seq<string> NoDecay { get; init; }

    /// <summary>Elements of the gradient are held within ± this; 0: they are not.</summary>
    public double ClipValue { get; init; }

    /// <summary>
    /// Where all gradients together (clipped by value first) have a longer Euclidean norm, they are shortened to it, all by one factor; 0: they are not.
    /// </summary>
    public double ClipNorm { get; init; }

    /// <summary>Names of what is remembered of each parameter.</summary>
    public abstract ImmutableArray<string> StateNames { get; }

    /// <summary>What every element of a state is before the first step.</summary>
    public virtual double FirstValue(string state) => 0;

    /// <param name="gradient">Of the mean over the batch, clipped.</param>
    /// <param name="weightDecay">This parameter's.</param>
    public abstract Updated Update(Tensor parameter, Tensor gradient, ImmutableArray<Tensor> state, StepScalars step, double weightDecay);

    public double WeightDecayOf(string parameter) => NamePattern.Any(NoDecay, parameter) ? 0 : WeightDecay;

    /// <summary>The gradient of the loss and of ½ · decay · parameter².</summary>
    private protected static Tensor WithDecay(Tensor gradient, Tensor parameter, double decay) => decay == 0 ? gradient : gradient + parameter * decay;
}
