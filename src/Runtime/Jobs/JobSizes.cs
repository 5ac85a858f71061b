using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>For how many samples at once a job's model is built: those of a shard's step, and those of a test.</summary>
internal sealed record JobSizes(ImmutableArray<int> Training, ImmutableArray<int> Tests)
{
    public static JobSizes Of(TrainingJob job, DataDescription data)
    {
        JobSchedule schedule;
        try
        {
            schedule = JobSchedule.Of(job, data.TrainCount);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new JobRefusedException(e.Message, e);
        }

        var evaluation = EvaluationSchedule.Of(data.TestCount, job.BatchSize);
        return new JobSizes(
            [.. schedule.Layouts(new ShardRange(0, schedule.Shards)).SelectMany(l => l.Runs).Select(r => r.Samples).Distinct()],
            [.. evaluation.Sizes(new ShardRange(0, evaluation.Batches))]);
    }

    /// <summary>
    /// Two that the model is traced for when it is written: what depends on the number shows between them. Ones are the last choice, for a
    /// single sample hides which dimension counts samples.
    /// </summary>
    public (int First, int Second) Traced
    {
        get
        {
            int[] several = [.. Training.Concat(Tests).Where(n => n > 1).Distinct().OrderDescending()];
            int first = several.FirstOrDefault(2);
            return (first, several.Length > 1 ? several[1] : first + 1);
        }
    }
}
