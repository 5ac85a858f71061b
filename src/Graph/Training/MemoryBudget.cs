using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Training;

/// <summary>
/// Plans for a device that has only so much memory. From cheap to thrifty: what is nearly free is computed again; then whatever it takes;
/// then fewer and fewer shards are computed at once. All of them give the same bits, so each worker decides for itself.
/// </summary>
public static class MemoryBudget
{
    // Gaps in the arena cost a little, and asking for a little less closes them.
    private const int AttemptsMost = 4;

    /// <param name="budget">Bytes of the device.</param>
    /// <param name="beside">Bytes of the device that a plan takes beside its arena: working memory of kernels, buffers for transfers.</param>
    /// <returns>The first plan within the budget, or the smallest of all. <see cref="TrainingCompiler.Compile"/> explains the rest.</returns>
    /// <exception cref="GraphException">The model does not fit the data; the message names the layer.</exception>
    public static TrainingPlan Compile(TrainingDefinition job, ShardRange local, ImmutableArray<BatchLayout> layouts,
        ImmutableArray<int> evaluateSizes, ImmutableArray<int> predictSizes, long budget, Func<Plan, long> beside)
    {
        TrainingPlan? smallest = null;
        foreach (var plan in Plans())
        {
            if (smallest is null || Bytes(plan) < Bytes(smallest))
                smallest = plan;
            if (Bytes(plan) <= budget)
                break;
        }

        return smallest!;

        long Bytes(TrainingPlan plan) => plan.Plan.ArenaBytes + beside(plan.Plan);

        IEnumerable<TrainingPlan> Plans()
        {
            var draft = Draft(job);
            var plan = draft.Build(MemoryGoal.Cheap);
            yield return plan;
            long others = beside(plan.Plan), lasting = plan.Plan.Blocks.Where(b => b.Kind != BlockKind.Transient).Sum(b => b.Bytes);
            long gradients = plan.Buckets.Sum(b => b.Elements * b.DType.Size());
            int rows = layouts.SelectMany(l => l.Rows).Select(r => r.Count).DefaultIfEmpty(1).Max(), halvings = 0;
            for (int atOnce = rows; atOnce >= 1 && (halvings == 0 || lasting + halvings * gradients + others < budget); atOnce /= 2, halvings++)
            {
                if (atOnce < rows)
                    draft = Draft(job with { ShardsAtOnce = atOnce });
                foreach (var tighter in Tighten(draft, budget - others))
                    yield return tighter;
            }
        }

        IEnumerable<TrainingPlan> Tighten(TrainingDraft draft, long wanted)
        {
            long target = wanted, before = long.MaxValue;
            for (int attempt = 0; attempt < AttemptsMost; attempt++)
            {
                var plan = draft.Build(MemoryGoal.Within(target));
                yield return plan;
                // Nothing more to be had.
                if (plan.Plan.LiveBytes >= before)
                    break;
                before = plan.Plan.LiveBytes;
                target -= Math.Max(0, Bytes(plan) - budget);
            }
        }

        TrainingDraft Draft(TrainingDefinition definition) => TrainingCompiler.Draft(definition, local, layouts, evaluateSizes, predictSizes);
    }

    /// <summary>The largest pieces of memory where a plan needs most: what they are, their shape, their bytes.</summary>
    public static ImmutableArray<(string Name, Shape Shape, long Bytes)> Largest(TrainingPlan training, int count)
    {
        var plan = training.Plan;
        var section = plan.Sections.MaxBy(s => Alive(s).Bytes)!;
        var shapes = section.Kernels.SelectMany(k => k.Outputs).GroupBy(o => o.Block).ToDictionary(g => g.Key, g => g.MaxBy(o => o.Shape.Count)!.Shape);
        var variables = training.Variables.ToDictionary(v => v.Block);
        var types = training.Buckets.ToDictionary(b => b.Block, b => b.DType);
        return
        [
            .. plan.Blocks.Where(b => b.Kind != BlockKind.Transient).Concat(Alive(section).Blocks).OrderByDescending(b => b.Bytes).ThenBy(b => b.Id).Take(count)
                .Select(b => variables.TryGetValue(b.Id, out var variable) ? (variable.Name, variable.Type.Shape, b.Bytes)
                    : b.Kind == BlockKind.Bucket ? ($"gradients ({b.Name})", Shape.Of(b.Bytes / types[b.Id].Size()), b.Bytes)
                    : (b.Name, shapes.GetValueOrDefault(b.Id, Shape.Of(b.Bytes)), b.Bytes)),
        ];

        (IEnumerable<Block> Blocks, long Bytes) Alive(Section of)
        {
            var (first, last) = (new Dictionary<int, int>(), new Dictionary<int, int>());
            Kernel[] kernels = [.. of.Kernels];
            for (int i = 0; i < kernels.Length; i++)
            {
                foreach (var operand in kernels[i].Inputs.Concat(kernels[i].Outputs))
                {
                    first.TryAdd(operand.Block, i);
                    last[operand.Block] = i;
                }
            }

            var transient = first.Keys.Where(b => plan.Blocks[b].Kind == BlockKind.Transient).ToArray();
            var change = new long[kernels.Length + 1];
            foreach (int block in transient)
            {
                change[first[block]] += plan.Blocks[block].Bytes;
                change[last[block] + 1] -= plan.Blocks[block].Bytes;
            }

            long sum = 0, most = 0;
            int at = 0;
            for (int i = 0; i < change.Length; i++)
            {
                sum += change[i];
                if (sum > most)
                    (most, at) = (sum, i);
            }

            return (transient.Where(b => first[b] <= at && at <= last[b]).Select(b => plan.Blocks[b]), most);
        }
    }
}
