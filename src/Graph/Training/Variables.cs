using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>What a replica consists of, and its first values.</summary>
internal static class Variables
{
    /// <param name="trained">False: without what only training needs.</param>
    public static ImmutableArray<Variable> Declare(PlanBuilder plan, TrainingDefinition job, ShardGraph model, bool trained = true) =>
        [.. All(job, model).Where(v => trained || v.Kind != VariableKind.OptimizerState).Select(v => new Variable(v.Name, v.Kind, v.Type, plan.Declare(v.Name, BlockKind.Variable, v.Type).Block) { Given = (v.First as GivenValues)?.Values })];

    public static List<(Tensor, Operand)> Initialise(PlanBuilder plan, TrainingDefinition job, ShardGraph model) =>
        [.. All(job, model).Where(v => v.First is not GivenValues).Select(v => (v.First.Create(job.Seed, v.Name, v.Type with { DType = v.Type.DType.Computed() }, v.Fans).Stored(v.Type.DType), plan.Declare(v.Name, BlockKind.Variable, v.Type)))];

    /// <summary>The name of what the optimizer remembers of a parameter.</summary>
    public static string StateName(ParameterSpec parameter, string state) => $"{parameter.Name}/{state}";

    private static IEnumerable<(string Name, VariableKind Kind, TensorType Type, Initialiser First, Fans Fans)> All(TrainingDefinition job, ShardGraph model)
    {
        foreach (var p in model.Parameters)
        {
            yield return (p.Name, VariableKind.Parameter, p.Type, p.Initialiser, p.Fans);
            if (!model.Trained.Contains(p))
                continue;
            foreach (var state in job.Optimizer.StateNames)
                yield return (StateName(p, state), VariableKind.OptimizerState, p.Type with { DType = job.Stored }, new Uniformly(job.Optimizer.FirstValue(state)), default);
        }

        foreach (var s in model.Statistics)
            yield return (s.Name, VariableKind.Statistic, s.Type, s.Initialiser, default);
    }
}
