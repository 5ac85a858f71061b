using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>A checkpoint to go on from, and what its user should know.</summary>
/// <param name="IsTheEnd">There is nothing left to do.</param>
public sealed record FoundCheckpoint(Checkpoint Checkpoint, string Path, bool IsTheEnd, ImmutableArray<string> Warnings)
{
    /// <summary>What the conductor is told of it. The values are kept in the store: to go on with or, where the job has ended, as if just trained.</summary>
    internal ResumePoint ResumeFor(JobId job, Dataset data, ReplicaStore replicas)
    {
        var state = Checkpoint.State;
        if (IsTheEnd && Checkpoint.Outcome is { } saved)
        {
            var id = replicas.Keep(job, saved.Digest, new TrainedReplica(state.Trained, data.Description, data.Normalisation));
            var outcome = new JobOutcome(state.Step, saved.Test, saved.Digest, id, saved.PeakBytes, saved.PlannedBytes, ProcessStart.Time + saved.FirstStep)
            {
                StoppedEarly = saved.StoppedEarly,
                TrainedSteps = state.Best is null ? state.Step : state.Stopping!.BestStep,
            };
            return new ResumePoint(new StartPoint(state.Step, null), Checkpoint.Generation, state.Stopping, outcome, Path, Warnings);
        }

        return new ResumePoint(new StartPoint(state.Step, replicas.Keep(job, state)), Checkpoint.Generation, state.Stopping, null, Path, Warnings);
    }
}
