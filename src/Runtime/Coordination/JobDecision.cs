namespace Singa.Actors.Runtime.Coordination;

/// <summary>What the conductor of a job is to do next.</summary>
public abstract record JobDecision
{
    /// <summary>Every worker is ready: tell them to begin. <c>Buckets</c> travel each step.</summary>
    public sealed record Begin(int Buckets) : JobDecision;

    /// <summary>A step has happened everywhere: tell the observer.</summary>
    public sealed record Commit(TrainingProgress Progress) : JobDecision;

    public sealed record Complete(JobOutcome Outcome) : JobDecision;

    /// <summary>The job was never fit to run.</summary>
    public sealed record Reject(string Reason) : JobDecision;

    public sealed record Fail(string Reason) : JobDecision;

    /// <summary>What arrived belongs to an older generation or to a job that has ended; the reason is for the log.</summary>
    public sealed record Ignore(string Reason) : JobDecision;
}
