using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What a worker may take of its device. <c>Scratch</c>: the working memory that a plan's kernels ask for there. <c>Slots</c>: batches that
/// are staged at once, unless the job's budget wants fewer.
/// </summary>
internal sealed record WorkerSpace(string Device, Func<Plan, long> Scratch, int Slots)
{
    // One that the device works on, one that is filled meanwhile.
    private const int SlotsLeast = 2;
    private const int LargestShown = 5;

    /// <summary>The plan of a range of shards and test batches, within the job's budget where it has one.</summary>
    /// <param name="further">A layout behind those for whole steps.</param>
    /// <exception cref="Graph.GraphException">The model does not fit the data; names the layer.</exception>
    /// <exception cref="JobRefusedException">No plan fits the budget.</exception>
    public WorkerPlan Compile(TrainingJob job, DataDescription data, ShardRange shards, ShardRange tests, BatchLayout? further = null)
    {
        var (definition, schedule) = (WorkerOrder.Define(job, data), JobSchedule.Of(job, data.TrainCount));
        var (layouts, sizes) = (further is null ? schedule.Layouts(shards) : schedule.Layouts(shards).Add(further), EvaluationSchedule.Of(data.TestCount, job.BatchSize).Sizes(tests).ToImmutableArray());
        long slot = StagingSlot.Bytes(StagingSize.Of(data, layouts.Select(l => l.LocalSamples).Concat(sizes).Max()));
        var usual = TrainingCompiler.Compile(definition, shards, layouts, sizes, []);
        if (job.MemoryBudget == 0)
            return new WorkerPlan(usual, Slots, 0, slot);
        var plan = Fit(usual, Slots);
        if (plan.Bytes <= job.MemoryBudget)
            return plan;
        int slots = Math.Min(SlotsLeast, Slots);
        plan = Fit(MemoryBudget.Compile(definition, shards, layouts, sizes, [], job.MemoryBudget, p => Scratch(p) + slots * slot), slots);
        return plan.Bytes <= job.MemoryBudget ? plan : throw Refusal(job.MemoryBudget, plan);

        WorkerPlan Fit(TrainingPlan fitted, int staged) => new(fitted, staged, Scratch(fitted.Plan), slot);
    }

    private JobRefusedException Refusal(long budget, WorkerPlan smallest)
    {
        var largest = MemoryBudget.Largest(smallest.Plan, LargestShown).Select(t => $"{t.Name} {t.Shape} {Mebibytes(t.Bytes)}");
        return new JobRefusedException(
            $"job.memory-budget is {Mebibytes(budget)}, and {Device} needs at least {Mebibytes(smallest.Bytes)}, with all computed again that helps and shards one "
            + $"after the other; the largest tensors are {string.Join(", ", largest)}; raise the budget or make batch-size smaller");
    }

    /// <summary>Rounded up: so much is enough.</summary>
    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / (double)(1 << 20) * 10) / 10:F1} MiB");
}

/// <summary>A worker's plan and what it takes of the device. <c>Scratch</c> is counted only where somebody asked.</summary>
public sealed record WorkerPlan(TrainingPlan Plan, int Slots, long Scratch, long SlotBytes)
{
    public long Bytes => Plan.Plan.ArenaBytes + Scratch + Slots * SlotBytes;
}
