using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>What a replica consists of, and its first values.</summary>
internal static class Variables
{
    public static ImmutableArray<Variable> Declare(PlanBuilder plan, TrainingDefinition job, ShardGraph model) =>
        [.. All(job, model).Select(v => new Variable(v.Name, v.Kind, v.Type, plan.Declare(v.Name, BlockKind.Variable, v.Type).Block))];

    public static List<(Tensor, Operand)> Initialise(PlanBuilder plan, TrainingDefinition job, ShardGraph model) =>
        [.. All(job, model).Select(v => (v.First, plan.Declare(v.Name, BlockKind.Variable, v.Type)))];

    /// <summary>The name of what the optimizer remembers of a parameter.</summary>
    public static string StateName(ParameterSpec parameter, string state) => $"{parameter.Name}/{state}";

    private static IEnumerable<(string Name, VariableKind Kind, TensorType Type, Tensor First)> All(TrainingDefinition job, ShardGraph model)
    {
        foreach (var p in model.Parameters)
        {
            yield return (p.Name, VariableKind.Parameter, p.Type, p.Initialiser.Create(job.Seed, p.Name, p.Type, p.Fans));
            if (!model.Trained.Contains(p))
                continue;
            foreach (var state in job.Optimizer.StateNames)
                yield return (StateName(p, state), VariableKind.OptimizerState, p.Type, Fill.Create(p.Type.DType, p.Type.Shape, job.Optimizer.FirstValue(state)));
        }

        foreach (var s in model.Statistics)
            yield return (s.Name, VariableKind.Statistic, s.Type, s.Initialiser.Create(job.Seed, s.Name, s.Type, default));
    }
}
