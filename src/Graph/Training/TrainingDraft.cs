using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Training;

/// <summary>A training plan before it is decided what is kept and what is computed again.</summary>
internal sealed record TrainingDraft(
    PlanBuilder Builder, ImmutableArray<Variable> Variables, ImmutableArray<BucketLayout> Buckets, ImmutableArray<BatchLayout> Layouts, int ShardsAtOnce)
{
    public TrainingPlan Build(MemoryGoal goal) => new(Builder.Build(goal), Variables, Buckets, Layouts) { ShardsAtOnce = ShardsAtOnce };
}
