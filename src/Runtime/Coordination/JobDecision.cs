using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>What the conductor of a job is to do next.</summary>
public abstract record JobDecision
{
    /// <summary>Every worker is ready: tell them to begin. <c>Buckets</c> travel each step.</summary>
    public sealed record Begin(int Buckets) : JobDecision;

    /// <summary>A step has happened everywhere: tell the observer.</summary>
    public sealed record Commit(TrainingProgress Progress) : JobDecision;

    /// <summary>Ask every worker to admit nothing more and to say where it is; answers carry the number.</summary>
    public sealed record Hold(int Number) : JobDecision;

    /// <summary>Every worker may admit the steps below this one.</summary>
    public sealed record Run(long Until, TestRecord? Tested = null) : JobDecision;

    /// <summary>Tell every worker how the held-back loss stands, and whether the weights as they are now are the best.</summary>
    public sealed record Judge(StoppingState State, bool IsBest) : JobDecision;

    /// <summary>So many steps were the whole job: every worker is to finish.</summary>
    public sealed record Finish(long Steps) : JobDecision;

    /// <summary>Rank 0 is to save its replica, with the outcome where the job has one, before anything else happens.</summary>
    public sealed record Save(long Step, JobOutcome? Outcome) : JobDecision;

    /// <summary>Nothing of the job runs any more, and nothing will until it is resumed: tell the observer.</summary>
    public sealed record Paused(long Step) : JobDecision;

    public sealed record Resumed : JobDecision;

    /// <summary>The job rests at this step and is to end there.</summary>
    public sealed record Stop(long Step) : JobDecision;

    /// <summary>The generation cannot go on: find out who is left, and begin the next.</summary>
    public sealed record Regroup(string Reason) : JobDecision;

    /// <summary>The job rests at this step, for another generation to begin there.</summary>
    public sealed record Change(long Step) : JobDecision;

    public sealed record Complete(JobOutcome Outcome) : JobDecision;

    /// <summary>The job was never fit to run.</summary>
    public sealed record Reject(string Reason) : JobDecision;

    public sealed record Fail(string Reason) : JobDecision;

    /// <summary>What arrived belongs to an older generation or to a job that has ended; the reason is for the log.</summary>
    public sealed record Ignore(string Reason) : JobDecision;
}
