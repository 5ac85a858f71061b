using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Workers;

/// <summary>One thing a worker does with one staged batch.</summary>
public abstract record WorkItem
{
    /// <summary>A step of the job. <c>First</c> and <c>Count</c>: this worker's positions in the epoch's order.</summary>
    /// <param name="DigestAfter">Nothing more is admitted until this step is done and the digest taken.</param>
    public sealed record Train(ScheduledStep Step, long First, int Count, bool DigestAfter) : WorkItem;

    /// <summary>One test batch with the weights after <c>AfterStep</c>; <c>Last</c> of this worker's.</summary>
    public sealed record Evaluate(long AfterStep, int Batch, long First, int Count, bool IsLast) : WorkItem;
}

/// <summary>
/// All that one worker has to do, in order: a pure function of job, data and partition, which is why workers need no instructions
/// from step to step.
/// </summary>
public sealed class WorkerAgenda(TrainingJob job, TrainingOptions options, DataDescription data, Member member)
{
    public JobSchedule Schedule { get; } = JobSchedule.Of(job, data.TrainCount);

    public EvaluationSchedule Evaluation { get; } = EvaluationSchedule.Of(data.TestCount, job.BatchSize);

    public IEnumerable<WorkItem> Items()
    {
        for (long step = 0; step < Schedule.TotalSteps; step++)
        {
            var scheduled = Schedule[step];
            var (first, count) = Schedule.Positions(scheduled, member.Shards);
            yield return new WorkItem.Train(scheduled, first, count, IsDigested(step));
            if (!IsTested(Schedule, Evaluation, options, scheduled))
                continue;
            for (int batch = member.EvaluationBatches.First; batch < member.EvaluationBatches.End; batch++)
            {
                var (firstSample, samples) = Evaluation[batch];
                yield return new WorkItem.Evaluate(step, batch, firstSample, samples, batch == member.EvaluationBatches.End - 1);
            }
        }
    }

    /// <summary>The largest number of samples any item of this worker has.</summary>
    public int SamplesMax => Math.Max(
        Schedule.Layouts(member.Shards).Max(l => l.LocalSamples),
        member.EvaluationBatches.Count > 0 ? Evaluation.BatchSize : 0);

    /// <summary>Whether the weights after this step are tested.</summary>
    public static bool IsTested(JobSchedule schedule, EvaluationSchedule evaluation, TrainingOptions options, ScheduledStep step) =>
        evaluation.Batches > 0 && (step.Step == schedule.TotalSteps - 1 || (options.EvaluateEachEpoch && step.EndsEpoch));

    private bool IsDigested(long step) => member.Rank == 0 && options.DigestEvery > 0 && (step + 1) % options.DigestEvery == 0;
}
