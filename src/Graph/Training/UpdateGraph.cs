using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>What a step does with the totals: parameters by the optimizer, running statistics by their own rule.</summary>
internal static class UpdateGraph
{
    public static List<(Tensor, Operand)> Outputs(PlanBuilder plan, TrainingDefinition job, ShardGraph model, Buckets buckets)
    {
        var outputs = new List<(Tensor, Operand)>();
        var step = Placeholder.Create("step", new TensorType(DType.Int32, Shape.Scalar), BlockKind.Input).Convert(DType.Float32);
        var scale = Placeholder.Create("scale", new TensorType(DType.Float32, Shape.Scalar), BlockKind.Input);
        foreach (var p in model.Parameters.Reverse())
        {
            var state = job.Optimizer.StateNames.Select(s => Variable(Variables.StateName(p, s), p.Type)).ToImmutableArray();
            var updated = job.Optimizer.Update(Variable(p.Name, p.Type), Mean(p.Name, p.Type), state, step, job.TotalSteps);
            for (int s = 0; s < state.Length; s++)
                Assign(Variables.StateName(p, job.Optimizer.StateNames[s]), updated.State[s], p.Name);
            Assign(p.Name, updated.Parameter, p.Name);
        }

        foreach (var s in model.Statistics.Where(s => s.Observed is not null))
            Assign(s.Name, Variable(s.Name, s.Type) * s.Keep + Mean(s.Name, s.Type) * (1 - s.Keep), s.Name);
        return outputs;

        Tensor Mean(string name, TensorType type)
        {
            plan.View($"total of {name}", buckets.Value(name, 0));
            return Placeholder.Create($"total of {name}", type, BlockKind.Bucket) * scale;
        }

        static Tensor Variable(string name, TensorType type) => Placeholder.Create(name, type, BlockKind.Variable);

        void Assign(string name, Tensor value, string scope)
        {
            Node.Label(value, $"update {scope}");
            outputs.Add((value, plan.Declare(name, BlockKind.Variable, value.Type)));
        }
    }
}
