using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>Compiles what one worker does in a job: see <see cref="TrainingPlan"/> for the sections and their host slots.</summary>
public static class TrainingCompiler
{
    /// <param name="local">The worker's shards.</param>
    /// <param name="layouts">Every way a batch can fall on them: the full batch and the short last one.</param>
    /// <exception cref="GraphException">The model does not fit the data; the message names the layer.</exception>
    public static TrainingPlan Compile(TrainingDefinition job, ShardRange local, ImmutableArray<BatchLayout> layouts,
        ImmutableArray<int> evaluateSizes, ImmutableArray<int> predictSizes)
    {
        var plan = new PlanBuilder();
        var parameters = ShardGraph.Trace(job, layouts.SelectMany(l => l.Runs).Select(r => r.Samples).Append(1).Max()).Parameters;
        var variables = DeclareVariables(plan, job, parameters);
        var buckets = new Buckets(plan, parameters, job.BucketBytes, layouts.Max(l => l.Rows.Length));
        var feed = new BatchFeed(plan, job, layouts.Select(l => l.LocalSamples).Concat(evaluateSizes).Concat(predictSizes).Max());

        Initialise(plan, job, parameters);
        for (int i = 0; i < layouts.Length; i++)
        {
            plan.AddSection($"gradients/{i}", [feed.UploadSamples(layouts[i].LocalSamples), feed.UploadLabels(layouts[i].LocalSamples), new UploadKernel(2, feed.Step)],
                Gradients(plan, job, layouts[i], parameters, buckets, feed), []);
            plan.AddSection($"exchange/{i}", [], [], buckets.Exchanges(layouts[i].Rows.Length));
        }

        plan.AddSection("update", [new UploadKernel(0, feed.Scale)], Update(plan, job, parameters, buckets), [new DownloadKernel(1, buckets.Metrics(0))]);
        foreach (int size in evaluateSizes.Distinct())
            Evaluate(plan, job, feed, size);
        foreach (int size in predictSizes.Distinct())
            Predict(plan, job, feed, size);
        return new TrainingPlan(plan.Build(), variables, buckets.Layouts, layouts);
    }

    private static ImmutableArray<Variable> DeclareVariables(PlanBuilder plan, TrainingDefinition job, ImmutableArray<ParameterSpec> parameters)
    {
        var variables = ImmutableArray.CreateBuilder<Variable>();
        foreach (var p in parameters)
        {
            variables.Add(new Variable(p.Name, VariableKind.Parameter, p.Type, plan.Declare(p.Name, BlockKind.Variable, p.Type).Block));
            foreach (var state in job.Optimizer.StateNames)
                variables.Add(new Variable(StateName(p, state), VariableKind.OptimizerState, p.Type, plan.Declare(StateName(p, state), BlockKind.Variable, p.Type).Block));
        }

        return variables.ToImmutable();
    }

    private static string StateName(ParameterSpec parameter, string state) => $"{parameter.Name}/{state}";

    private static void Initialise(PlanBuilder plan, TrainingDefinition job, ImmutableArray<ParameterSpec> parameters)
    {
        var outputs = new List<(Tensor, Operand)>();
        foreach (var p in parameters)
        {
            outputs.Add((p.Initialiser.Create(job.Seed, p.Name, p.Type, p.Fans), plan.Declare(p.Name, BlockKind.Variable, p.Type)));
            foreach (var state in job.Optimizer.StateNames)
                outputs.Add((Fill.Create(p.Type.DType, p.Type.Shape, 0), plan.Declare(StateName(p, state), BlockKind.Variable, p.Type)));
        }

        plan.AddSection("initialise", [], outputs, []);
    }

    /// <summary>Each row of the buckets is the sum over one subtree of shards, computed for all its shards at once.</summary>
    private static List<(Tensor, Operand)> Gradients(PlanBuilder plan, TrainingDefinition job, BatchLayout layout,
        ImmutableArray<ParameterSpec> parameters, Buckets buckets, BatchFeed feed)
    {
        var outputs = new List<(Tensor, Operand)>();
        int first = 0;
        for (int row = 0; row < layout.Rows.Length; row++)
        {
            var shards = layout.Rows[row];
            int samples = layout.Runs.First(r => r.Shards.First <= shards.First && shards.First < r.Shards.End).Samples;
            var graph = ShardGraph.Trace(job, samples);
            var gradients = Graph.Gradients.Of(graph.LossSum, graph.ParameterTensors);
            ImmutableArray<Tensor> results = [.. gradients, graph.LossSum, graph.CorrectSum];
            var sources = new Dictionary<Tensor, Tensor>
            {
                [graph.Samples] = feed.Samples(first, shards.Count, samples),
                [graph.Labels] = feed.Labels(first, shards.Count, samples),
            };
            results = [.. ShardAxis.Expand(results, sources, shards.Count).Select(ShardSum.Apply)];
            // Last layers first: the order in which backward can finish them, and so in which buckets fill.
            for (int i = parameters.Length - 1; i >= 0; i--)
                outputs.Add((results[i], buckets.Gradient(i, row)));
            outputs.Add((results[^2], buckets.LossSum(row)));
            outputs.Add((results[^1], buckets.CorrectSum(row)));
            first += shards.Count * samples;
        }

        return outputs;
    }

    private static List<(Tensor, Operand)> Update(PlanBuilder plan, TrainingDefinition job, ImmutableArray<ParameterSpec> parameters, Buckets buckets)
    {
        var outputs = new List<(Tensor, Operand)>();
        var step = Placeholder.Create("step", new TensorType(DType.Int32, Shape.Scalar), BlockKind.Input).Convert(DType.Float32);
        var scale = Placeholder.Create("scale", new TensorType(DType.Float32, Shape.Scalar), BlockKind.Input);
        for (int i = parameters.Length - 1; i >= 0; i--)
        {
            var p = parameters[i];
            plan.View($"gradient of {p.Name}", buckets.Gradient(i, 0));
            var gradient = Placeholder.Create($"gradient of {p.Name}", p.Type, BlockKind.Bucket) * scale;
            var value = Placeholder.Create(p.Name, p.Type, BlockKind.Variable);
            var state = job.Optimizer.StateNames.Select(s => Placeholder.Create(StateName(p, s), p.Type, BlockKind.Variable)).ToImmutableArray();
            var updated = job.Optimizer.Update(value, gradient, state, step, job.TotalSteps);
            for (int s = 0; s < state.Length; s++)
            {
                Node.Label(updated.State[s], $"update {p.Name}");
                outputs.Add((updated.State[s], plan.Declare(StateName(p, job.Optimizer.StateNames[s]), BlockKind.Variable, p.Type)));
            }

            Node.Label(updated.Parameter, $"update {p.Name}");
            outputs.Add((updated.Parameter, plan.Declare(p.Name, BlockKind.Variable, p.Type)));
        }

        return outputs;
    }

    private static void Evaluate(PlanBuilder plan, TrainingDefinition job, BatchFeed feed, int size)
    {
        var graph = ShardGraph.Trace(job, size);
        feed.Bind(size);
        var metrics = plan.Declare("evaluation", BlockKind.Output, new TensorType(DType.Float32, Shape.Of(2)));
        plan.AddSection($"evaluate/{size}", [feed.UploadSamples(size), feed.UploadLabels(size)],
            [(graph.LossSum, Operands.Row(metrics, 0)), (graph.CorrectSum, Operands.Row(metrics, 1))], [new DownloadKernel(2, metrics)]);
    }

    private static void Predict(PlanBuilder plan, TrainingDefinition job, BatchFeed feed, int size)
    {
        var graph = ShardGraph.Trace(job, size);
        feed.Bind(size);
        var prediction = plan.Declare($"prediction/{size}", BlockKind.Output, graph.Output.Type);
        plan.AddSection($"predict/{size}", [feed.UploadSamples(size)], [(graph.Output, prediction)], [new DownloadKernel(1, prediction)]);
    }
}
