using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>How the learning rate goes over a job: a factor for each step, computed in the graph.</summary>
public abstract record Schedule
{
    /// <param name="step">Float32 scalar: 0 for the first step.</param>
    /// <returns>Float32 scalar.</returns>
    public abstract Tensor Factor(Tensor step, long totalSteps);
}

public sealed record ConstantSchedule : Schedule
{
    public override Tensor Factor(Tensor step, long totalSteps) => Fill.Create(DType.Float32, Shape.Scalar, 1);
}

/// <summary>Half a cosine from 1 at the first step towards 0 after the last.</summary>
public sealed record CosineSchedule : Schedule
{
    public override Tensor Factor(Tensor step, long totalSteps) => ((step * (Math.PI / totalSteps)).Cos() + 1) * 0.5;
}
