using System.Collections.Immutable;
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
    /// <param name="SaveBefore">It is admitted once all before it is done and the replica copied for a checkpoint.</param>
    public sealed record Train(ScheduledStep Step, long First, int Count, bool DigestAfter, bool SaveBefore = false) : WorkItem
    {
        /// <summary>The positions, piece by piece, where they do not follow one another; null: they do.</summary>
        public ImmutableArray<(long First, int Count)>? Pieces { get; init; }
    }

    /// <summary>One test batch with the weights after <c>AfterStep</c>; <c>Last</c> of this worker's.</summary>
    public sealed record Evaluate(long AfterStep, int Batch, long First, int Count, bool IsLast) : WorkItem;
}

/// <summary>
/// All that one worker has to do, in order: a pure function of job, data and partition, which is why workers need no instructions
/// from step to step.
/// </summary>
/// <param name="firstStep">Those before it have been taken, and tested where they were to be.</param>
/// <param name="pendingTest">All but this one: its test comes first.</param>
/// <param name="missing">What the worker does of the first step, where that is not all of its shards.</param>
public sealed class WorkerAgenda(
    TrainingJob job, TrainingOptions options, DataDescription data, Member member, long firstStep = 0, long? pendingTest = null, ImmutableArray<ShardRange>? missing = null)
{
    private readonly EvaluationPoints tests = new(job, options, data);

    public JobSchedule Schedule { get; } = JobSchedule.Of(job, data.TrainCount);

    public EvaluationSchedule Evaluation => tests.Batches;

    public IEnumerable<WorkItem> Items()
    {
        if (pendingTest is { } pending)
        {
            foreach (var test in Tests(pending))
                yield return test;
        }

        for (long step = firstStep; step < Schedule.TotalSteps; step++)
        {
            var scheduled = Schedule[step];
            var (first, count) = Schedule.Positions(scheduled, member.Shards);
            var whole = new WorkItem.Train(scheduled, first, count, IsDigested(step), IsSavedBefore(step));
            yield return step == firstStep && missing is { } parts ? Part(whole, parts) : whole;
            if (!tests.IsTested(scheduled))
                continue;
            foreach (var test in Tests(step))
                yield return test;
        }
    }

    /// <summary>The largest number of samples any item of this worker has.</summary>
    public int SamplesMax => Math.Max(
        Math.Max(Schedule.Layouts(member.Shards).Max(l => l.LocalSamples), missing is { } parts && firstStep < Schedule.TotalSteps ? Part(Schedule[firstStep], parts).Sum(p => p.Count) : 0),
        member.EvaluationBatches.Count > 0 ? Evaluation.BatchSize : 0);

    private WorkItem.Train Part(WorkItem.Train whole, ImmutableArray<ShardRange> parts)
    {
        var pieces = Part(whole.Step, parts);
        return whole with { Count = pieces.Sum(p => p.Count), Pieces = pieces };
    }

    private ImmutableArray<(long First, int Count)> Part(ScheduledStep step, ImmutableArray<ShardRange> parts) => [.. parts.Select(p => Schedule.Positions(step, p))];

    private IEnumerable<WorkItem> Tests(long step)
    {
        for (int batch = member.EvaluationBatches.First; batch < member.EvaluationBatches.End; batch++)
        {
            var (firstSample, samples) = Evaluation[batch];
            yield return new WorkItem.Evaluate(step, batch, firstSample, samples, batch == member.EvaluationBatches.End - 1);
        }
    }

    // By every worker: whoever is left when one dies has it too.
    private bool IsDigested(long step) => options.DigestEvery > 0 && (step + 1) % options.DigestEvery == 0;

    private bool IsSavedBefore(long step) =>
        member.Rank == 0 && step > firstStep && options.Checkpoint is { } checkpoint && step % checkpoint.EveryIn(Schedule) == 0;
}
