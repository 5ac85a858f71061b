namespace Singa.Actors.Runtime.Jobs;

/// <summary>Ends a job when the loss on the held-back samples no longer falls. Part of the job: it decides which weights come out.</summary>
public sealed record EarlyStopping
{
    /// <summary>Tests in a row that may be no better than the best before training ends.</summary>
    public int Patience { get; init; } = 3;

    /// <summary>By how much the loss must fall below the best to be better.</summary>
    public double MinDelta { get; init; }

    /// <summary>The trained model is the one of the best test; otherwise that of the last step.</summary>
    public bool RestoreBest { get; init; } = true;
}
