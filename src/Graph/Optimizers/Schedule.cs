using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>How the learning rate goes over a job: a factor for each step, computed in the graph.</summary>
public abstract record Schedule
{
    /// <param name="step">Float32 scalar: 0 for the first step.</param>
    /// <returns>Float32 scalar.</returns>
    public abstract Tensor Factor(Tensor step, long totalSteps);

    /// <summary>Whether a job with more steps has other factors from the beginning; where not, a job that has ended can be made longer.</summary>
    public virtual bool DependsOnTotalSteps => true;
}

public sealed record ConstantSchedule : Schedule
{
    public override bool DependsOnTotalSteps => false;

    public override Tensor Factor(Tensor step, long totalSteps) => Fill.Create(DType.Float32, Shape.Scalar, 1);
}

/// <summary>Half a cosine from 1 at the first step towards <c>To</c> after the last.</summary>
public sealed record CosineSchedule : Schedule
{
    public double To { get; init; }

    public override Tensor Factor(Tensor step, long totalSteps) =>
        ((step * (Math.PI / Math.Max(1, totalSteps))).Cos() + 1) * ((1 - To) / 2) + To;
}

/// <summary>Times <c>Gamma</c> every <c>Every</c> steps.</summary>
public sealed record StepSchedule(long Every) : Schedule
{
    public double Gamma { get; init; } = 0.1;

    public override bool DependsOnTotalSteps => false;

    // As long as steps are exact in Float32 (2^24), a quotient rounds to a whole number only where it is one.
    public override Tensor Factor(Tensor step, long totalSteps) =>
        Powers.Of(Gamma, Pointwise.Apply("Falls", a => Fn.Floor(a[0] / Every), step));
}

/// <summary>Times <c>Gamma</c> each step.</summary>
public sealed record ExponentialSchedule(double Gamma) : Schedule
{
    public override bool DependsOnTotalSteps => false;

    public override Tensor Factor(Tensor step, long totalSteps) => Powers.Of(Gamma, step);
}

/// <summary>
/// From 1 / <c>Steps</c> at the first step in equal parts to 1 at step number <c>Steps</c> (counted from 1), and then another schedule over
/// the steps that are left.
/// </summary>
public sealed record WarmUpSchedule(long Steps, Schedule Then) : Schedule
{
    public override bool DependsOnTotalSteps => Then.DependsOnTotalSteps;

    public override Tensor Factor(Tensor step, long totalSteps) => Pointwise.Apply("WarmUp", a => Fn.Select(a[0] < Steps, (a[0] + 1) / Steps, a[1]),
        step, Then.Factor(step - Steps, totalSteps - Steps));
}
