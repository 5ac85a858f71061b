using Singa.Actors.Collective;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>A job as it is saved. <c>Cursor</c> follows from the step, for whoever looks into the file; <c>Outcome</c>: what the job ended with, where it has.</summary>
public sealed record Checkpoint(JobIdentity Job, Generation Generation, JobState State, DataCursor Cursor, SavedOutcome? Outcome = null)
{
    /// <summary>Whether a job of so many steps has ended with it; one that was made longer has not.</summary>
    public bool IsTheEnd(long totalSteps) => Outcome is not null && (Outcome.StoppedEarly || State.Step == totalSteps);
}

/// <summary>What the closing lines need once the job has ended. <c>FirstStep</c>: counted from the start of the process that ended it.</summary>
public sealed record SavedOutcome(TestFigures? Test, string Digest, long PeakBytes, long PlannedBytes, TimeSpan FirstStep, bool StoppedEarly);
