namespace Singa.Actors.Runtime;

/// <summary>What a job ended with.</summary>
/// <param name="Steps">Steps that were taken.</param>
/// <param name="Test">Figures on the test samples; null where the job has none.</param>
/// <param name="Digest"><c>sha256:…</c> of the parameters.</param>
/// <param name="PeakBytes">
/// The most that the allocators of the job's devices have held at once, staging included, summed over devices. A device counts from
/// its opening: where jobs share one, or follow a larger one, that is theirs together.
/// </param>
/// <param name="PlannedBytes">What the plans and the staging of this job said beforehand it would be.</param>
/// <param name="FirstStepAt">When the first step had happened everywhere.</param>
public sealed record TrainingResult(
    TrainedModel Model, long Steps, TestFigures? Test, string Digest, long PeakBytes, long PlannedBytes, DateTimeOffset FirstStepAt)
{
    /// <summary>The held-back loss ended it, before its last step.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>How many steps the model has behind it: fewer than <c>Steps</c> where early stopping restored a better one.</summary>
    public long TrainedSteps { get; init; } = Steps;

    /// <summary>Why the last checkpoint could not be written, where the job is saved; the model is whole all the same.</summary>
    public string? SaveFailure { get; init; }

    /// <summary>Share of the test samples answered rightly, 0 to 1.</summary>
    public double? TestAccuracy => Test?.Accuracy;

    public double? TestLoss => Test?.Loss;
}
