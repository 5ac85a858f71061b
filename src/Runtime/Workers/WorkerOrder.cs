using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// All that a worker is told: the job, its place in a generation, the samples as its node has read them, and where it begins. It may admit
/// the steps below <c>Until</c>. <c>Saving</c>: where the job is saved, if anywhere.
/// </summary>
internal sealed record WorkerOrder(
    JobId Job, TrainingJob Definition, TrainingOptions Options, Membership Membership, int Rank, Dataset Data, StartPoint Start, long Until, StoppingState? Stopping,
    JobSaving? Saving, WorkerSpace Space, CompiledPlans Plans)
{
    public Member Member => Membership.Members[Rank];

    public Generation Generation => Membership.Generation;

    /// <summary>Sums that this worker brings to the first step beside what it computes; it copies them.</summary>
    public ImmutableArray<SumRow> Kept { get; init; } = [];

    /// <summary>What it does of the first step, where that is not all of its shards.</summary>
    public StepShare? Share => Membership.Unfinished?.Shares[Rank];

    public WorkerAgenda Agenda => new(Definition, Options, Data.Description, Member, Start.Step, Start.PendingTest, Share?.Missing);

    /// <summary>The plan of this worker: its shards, its batch sizes, its test batches.</summary>
    /// <exception cref="Graph.GraphException">The model does not fit the data; names the layer.</exception>
    /// <exception cref="JobRefusedException">No plan fits the job's budget of memory.</exception>
    public WorkerPlan Compile() => Plans.Get(Space, Definition, Data.Description, Member, FirstLayout);

    public static TrainingDefinition Define(TrainingJob job, DataDescription data)
    {
        var schedule = JobSchedule.Of(job, data.TrainCount);
        return new TrainingDefinition(
            job.Model, job.Loss, job.Optimizer, data.Sample, data.Label, data.Classes, schedule.Shards, job.Seed, schedule.TotalSteps)
        {
            Frozen = job.Frozen,
            TopK = job.TopK,
            IsStrict = job.IsStrict,
            IsHalfStored = job.IsHalfStored,
            BucketBytes = job.BucketBytes,
        };
    }

    /// <summary>How the batch of a step falls on this worker's shards; safe to ask from any thread.</summary>
    public Func<long, BatchLayout> LayoutOf(TrainingPlan plan)
    {
        var schedule = Agenda.Schedule;
        return step => plan.Layouts[LayoutIndex(plan, schedule[step])];
    }

    public int LayoutIndex(TrainingPlan plan, ScheduledStep step)
    {
        // Behind those for whole steps.
        if (step.Step == Membership.Unfinished?.Step)
            return plan.Layouts.Length - 1;
        int samples = step.Samples;
        for (int i = 0; i < plan.Layouts.Length; i++)
        {
            if (plan.Layouts[i].Samples == samples)
                return i;
        }

        throw new InvalidOperationException($"the plan has no layout for batches of {samples}");
    }

    private BatchLayout? FirstLayout => Share is { } share ? BatchLayout.Of(Agenda.Schedule[Membership.Unfinished!.Step].Samples, Membership.Shards, share.Missing) : null;

    public StagingSize StagingSize => StagingSize.Of(Data.Description, Agenda.SamplesMax);
}
