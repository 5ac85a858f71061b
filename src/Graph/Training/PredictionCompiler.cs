using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Training;

/// <summary>A trained model and nothing of what training needs: its weights rest, so that a device may keep them as its kernels want them.</summary>
public static class PredictionCompiler
{
    /// <param name="sizes">Samples at a time, a section <c>predict/M</c> each, as in <see cref="TrainingPlan"/>.</param>
    /// <exception cref="GraphException">The model does not fit the data; the message names the layer.</exception>
    public static TrainingPlan Compile(TrainingDefinition job, ImmutableArray<int> sizes)
    {
        var plan = new PlanBuilder { IsStrict = job.IsStrict };
        var variables = Variables.Declare(plan, job, ShardGraph.Trace(job, sizes.Max(), training: false), trained: false);
        var feed = new BatchFeed(plan, job, sizes.Max());
        foreach (int size in sizes.Distinct())
            Predict(plan, job, feed, size);
        return new TrainingDraft(plan, variables, [], [], 1).Build(MemoryGoal.Cheap);
    }

    internal static void Predict(PlanBuilder plan, TrainingDefinition job, BatchFeed feed, int size)
    {
        var graph = ShardGraph.Trace(job, size, training: false);
        feed.Bind(size);
        var prediction = plan.Declare($"prediction/{size}", BlockKind.Output, graph.Output.Type);
        plan.AddSection($"predict/{size}", [feed.UploadSamples(size)], [(graph.Output, prediction)], [new DownloadKernel(1, prediction)]);
    }
}
