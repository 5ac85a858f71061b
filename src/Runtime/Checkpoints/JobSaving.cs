using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>What a node has to do with a job's checkpoints: where they go, what they are marked with, and the one to go on from.</summary>
internal sealed record JobSaving(CheckpointStore Store, JobIdentity Job, FoundCheckpoint? Found)
{
    /// <exception cref="JobRefusedException"/>
    public static JobSaving Open(TrainingJob job, TrainingOptions options, Dataset data)
    {
        JobSchedule schedule;
        try
        {
            schedule = JobSchedule.Of(job, data.Train.Count);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new JobRefusedException(e.Message, e);
        }

        var store = CheckpointStore.Open(options.Checkpoint!.Folder);
        var identity = JobIdentity.Of(job, data, schedule);
        return new JobSaving(store, identity, store.Find(identity, schedule.TotalSteps, options.RecordedSteps));
    }
}
