using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Workers;

/// <summary>What a plan is compiled for: everything of it that changes from one generation of a job to the next.</summary>
/// <param name="Further">How an interrupted step falls on the worker; null: there is none.</param>
internal sealed record PlanKey(string Device, ShardRange Shards, ShardRange Tests, BatchLayout? Further);

/// <summary>
/// The plans that workers of one job had here last. A node that goes and comes again leaves the others ranges of shards that they have had
/// before, and compiling would take longer than all else of a new generation. Safe to use from any thread.
/// </summary>
internal sealed class CompiledPlans
{
    private const int Capacity = 16;

    private readonly Lock gate = new();
    private readonly List<(PlanKey Key, Lazy<WorkerPlan> Plan)> plans = [];

    /// <inheritdoc cref="WorkerSpace.Compile"/>
    public WorkerPlan Get(WorkerSpace space, TrainingJob job, DataDescription data, Member member, BatchLayout? further = null) => Get(
        new PlanKey(space.Device, member.Shards, member.EvaluationBatches, further),
        () => space.Compile(job, data, member.Shards, member.EvaluationBatches, further));

    /// <summary>Compiled now if it was not before. What could not be compiled is not kept.</summary>
    public WorkerPlan Get(PlanKey key, Func<WorkerPlan> compile)
    {
        (PlanKey Key, Lazy<WorkerPlan> Plan) entry;
        lock (gate)
        {
            int at = plans.FindIndex(p => p.Key == key);
            entry = at < 0 ? (key, new Lazy<WorkerPlan>(compile)) : plans[at];
            if (at >= 0)
                plans.RemoveAt(at);
            plans.Add(entry);
            if (plans.Count > Capacity)
                plans.RemoveAt(0);
        }

        try
        {
            return entry.Plan.Value;
        }
        catch
        {
            lock (gate)
                plans.Remove(entry);
            throw;
        }
    }
}
