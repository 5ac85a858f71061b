using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Training;

/// <summary>Compiles what one worker does in a job: see <see cref="TrainingPlan"/> for the sections and their host slots.</summary>
public static class TrainingCompiler
{
    /// <param name="local">The worker's shards.</param>
    /// <param name="layouts">Every way a batch can fall on them: the full batch and the short last one.</param>
    /// <exception cref="GraphException">The model does not fit the data; the message names the layer.</exception>
    public static TrainingPlan Compile(TrainingDefinition job, ShardRange local, ImmutableArray<BatchLayout> layouts,
        ImmutableArray<int> evaluateSizes, ImmutableArray<int> predictSizes) =>
        Draft(job, local, layouts, evaluateSizes, predictSizes).Build(MemoryGoal.Cheap);

    /// <inheritdoc cref="Compile"/>
    internal static TrainingDraft Draft(TrainingDefinition job, ShardRange local, ImmutableArray<BatchLayout> layouts,
        ImmutableArray<int> evaluateSizes, ImmutableArray<int> predictSizes)
    {
        var plan = new PlanBuilder { IsStrict = job.IsStrict };
        var model = ShardGraph.Trace(job, layouts.SelectMany(l => l.Runs).Select(r => r.Samples).Append(1).Max(), training: true);
        model.CheckFrozen(job.Frozen);
        var variables = Variables.Declare(plan, job, model);
        var buckets = new Buckets(plan, model.Trained, model.Statistics, job.Stored, job.BucketBytes, layouts.Max(l => l.Rows.Length));
        var feed = new BatchFeed(plan, job, layouts.Select(l => l.LocalSamples).Concat(evaluateSizes).Concat(predictSizes).Max());

        plan.AddSection("initialise", [], Variables.Initialise(plan, job, model), []);
        for (int i = 0; i < layouts.Length; i++)
        {
            plan.AddSection($"gradients/{i}", [feed.UploadSamples(layouts[i].LocalSamples), feed.UploadLabels(layouts[i].LocalSamples), new UploadKernel(2, feed.Step)],
                Gradients(job, layouts[i], buckets, feed), []);
            plan.AddSection($"exchange/{i}", [], [], buckets.Exchanges(layouts[i].Rows.Length));
        }

        plan.AddSection("update", [new UploadKernel(0, feed.Scale)], UpdateGraph.Outputs(plan, job, model, buckets), [new DownloadKernel(1, buckets.Metrics(0))]);
        foreach (int size in evaluateSizes.Distinct())
            Evaluate(plan, job, feed, size);
        foreach (int size in predictSizes.Distinct())
            PredictionCompiler.Predict(plan, job, feed, size);
        return new TrainingDraft(plan, variables, buckets.Layouts, layouts, Math.Min(job.ShardsAtOnce, local.Count));
    }

    /// <summary>Each row of the buckets is the sum over one subtree of shards.</summary>
    private static List<(Tensor, Operand)> Gradients(TrainingDefinition job, BatchLayout layout, Buckets buckets, BatchFeed feed)
    {
        var outputs = new List<(Tensor, Operand)>();
        int first = 0;
        for (int row = 0; row < layout.Rows.Length; row++)
        {
            var shards = layout.Rows[row];
            int samples = layout.Runs.First(r => r.Shards.First <= shards.First && shards.First < r.Shards.End).Samples;
            outputs.AddRange(Sum(job, buckets, feed, shards, samples, first).Select(s => (s.Value, buckets.Value(s.Name, row))));
            first += shards.Count * samples;
        }

        return outputs;
    }

    /// <summary>
    /// The sums over a subtree: all its shards at once, or, where that is more than the job allows, its halves one after the other. Same bits.
    /// </summary>
    private static ImmutableArray<(string Name, Tensor Value)> Sum(TrainingDefinition job, Buckets buckets, BatchFeed feed, ShardRange shards, int samples, int first)
    {
        if (shards.Count > Math.Max(1, job.ShardsAtOnce))
        {
            var (l, r) = ShardTree.Halves(shards);
            var (left, right) = (Sum(job, buckets, feed, l, samples, first), Sum(job, buckets, feed, r, samples, first + l.Count * samples));
            return [.. left.Zip(right, (a, b) => (a.Name, Labelled(HalfStorage.Sum(a.Value, b.Value), a.Value.Producer.Scope)))];
        }

        var graph = ShardGraph.Trace(job, samples, training: true);
        var gradients = Graph.Gradients.Of(graph.LossSum, [.. graph.Trained.Select(p => p.Tensor)]);
        ImmutableArray<(string Name, Tensor Value)> local =
        [
            // Last layers first: the order in which backward can finish them, and so in which buckets fill.
            .. graph.Trained.Select((p, i) => (p.Name, gradients[i])).Reverse(),
            (Buckets.LossSum, graph.LossSum),
            (Buckets.CorrectSum, graph.CorrectSum),
            .. graph.Statistics.Where(s => s.Observed is not null).Select(s => (s.Name, Labelled(s.Observed! * samples, OperationFacts.OwnerOf(s.Name)))),
        ];
        var sources = new Dictionary<Tensor, Tensor>
        {
            [graph.Samples] = feed.Samples(first, shards.Count, samples),
            [graph.Labels] = feed.Labels(first, shards.Count, samples),
        };
        Tensor[] values = [.. local.Select(l => l.Value)];
        var results = ShardAxis.Expand(job.IsHalfStored ? [.. HalfStorage.Apply(graph, values)] : [.. values], sources, shards);
        // Metrics and statistics are few and stay as they are.
        return [.. results.Select((r, i) => (local[i].Name, Labelled(i < graph.Trained.Length
            ? ShardSum.Apply(r, job.IsHalfStored).Stored(job.Stored) : ShardSum.Apply(r), r.Producer.Scope)))];
    }

    /// <summary>A sum belongs to the layer whose shards' values it adds.</summary>
    private static Tensor Labelled(Tensor sum, string scope)
    {
        if (scope.Length > 0)
            Node.Label(sum, scope);
        return sum;
    }

    private static void Evaluate(PlanBuilder plan, TrainingDefinition job, BatchFeed feed, int size)
    {
        var graph = ShardGraph.Trace(job, size, training: false);
        feed.Bind(size);
        Tensor[] sums = job.TopK > 0 ? [graph.LossSum, graph.CorrectSum, graph.AmongSum(job)] : [graph.LossSum, graph.CorrectSum];
        var metrics = plan.Declare("evaluation", BlockKind.Output, new TensorType(DType.Float32, Shape.Of(sums.Length)));
        plan.AddSection($"evaluate/{size}", [feed.UploadSamples(size), feed.UploadLabels(size)],
            [.. sums.Select((sum, row) => (sum, Operands.Row(metrics, row)))], [new DownloadKernel(2, metrics)]);
    }
}
