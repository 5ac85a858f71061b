using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>How a job has ended: exactly one of them.</summary>
public sealed record JobEnding(
    JobCompleted? Completed = null, JobStopped? Stopped = null, JobCancelled? Cancelled = null, JobFailed? Failed = null, JobRejected? Rejected = null)
{
    /// <summary>What its observer is told.</summary>
    internal IEvent Event => Completed ?? Stopped ?? Cancelled ?? Failed ?? (IEvent?)Rejected ?? throw new InvalidOperationException("an ending without an end");

    /// <summary>What nodes keep of it until the observer has it.</summary>
    internal ReplicaId? Trained => Completed?.Outcome.Replica;

    internal static JobEnding Of(IEvent how) => how switch
    {
        JobCompleted completed => new JobEnding(Completed: completed),
        JobStopped stopped => new JobEnding(Stopped: stopped),
        JobCancelled cancelled => new JobEnding(Cancelled: cancelled),
        JobFailed failed => new JobEnding(Failed: failed),
        JobRejected rejected => new JobEnding(Rejected: rejected),
        _ => throw new ArgumentException($"no job ends with {how}", nameof(how)),
    };

    public override string ToString() => Event switch
    {
        JobRejected rejected => $"refused, {rejected.Reason}",
        JobFailed failed => $"failed, {failed.Reason}",
        JobCancelled => "cancelled",
        JobStopped stopped => $"stopped before step {stopped.Step}",
        _ => "done",
    };
}
