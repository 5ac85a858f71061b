using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Training;

/// <summary>What a step does with the totals: parameters by the optimizer, running statistics by their own rule.</summary>
internal static class UpdateGraph
{
    public static List<(Tensor, Operand)> Outputs(PlanBuilder plan, TrainingDefinition job, ShardGraph model, Buckets buckets)
    {
        var outputs = new List<(Tensor, Operand)>();
        var optimizer = job.Optimizer;
        var count = Placeholder.Create("step", new TensorType(DType.Int32, Shape.Scalar), BlockKind.Input);
        var number = count.Convert(DType.Float32);
        var scale = Placeholder.Create("scale", new TensorType(DType.Float32, Shape.Scalar), BlockKind.Input);
        var step = new StepScalars(number, optimizer.Schedule.Factor(number, job.TotalSteps) * optimizer.LearningRate);
        var gradients = Gradients(optimizer, [.. model.Trained.Select(p => Total(p.Name, p.Type with { DType = job.Stored }))], scale);
        foreach (var (p, gradient) in model.Trained.Zip(gradients).Reverse())
        {
            var state = optimizer.StateNames.Select(s => Variable(Variables.StateName(p, s), p.Type with { DType = job.Stored }).Stored(DType.Float32)).ToImmutableArray();
            var updated = optimizer.Update(Variable(p.Name, p.Type), gradient, state, step, optimizer.WeightDecayOf(p.Name));
            Assign(p.Name, updated.Parameter, p.Name);
            for (int s = 0; s < state.Length; s++)
                Assign(Variables.StateName(p, optimizer.StateNames[s]), job.IsHalfStored ? HalfStorage.Remembered(updated.State[s], gradient, count) : updated.State[s], p.Name);
        }

        foreach (var s in model.Statistics.Where(s => s.Observed is not null))
            Assign(s.Name, Variable(s.Name, s.Type) * s.Keep + Total(s.Name, s.Type) * scale * (1 - s.Keep), s.Name);
        return outputs;

        Tensor Total(string name, TensorType type)
        {
            plan.View($"total of {name}", buckets.Value(name, 0));
            return Placeholder.Create($"total of {name}", type, BlockKind.Bucket);
        }

        static Tensor Variable(string name, TensorType type) => Placeholder.Create(name, type, BlockKind.Variable);

        void Assign(string name, Tensor value, string scope)
        {
            Node.Label(value, $"update {scope}");
            outputs.Add((value, plan.Declare(name, BlockKind.Variable, value.Type)));
        }
    }

    /// <summary>
    /// The gradients of the mean from those of the sum, in the order of the parameters, clipped as the optimizer asks. Who reads a total widens and
    /// holds it as it reads: where a norm is taken that is done twice, for less than a copy of all gradients would cost.
    /// </summary>
    private static ImmutableArray<Tensor> Gradients(Optimizer optimizer, ImmutableArray<Tensor> totals, Tensor scale)
    {
        bool holds = optimizer.ClipValue > 0;
        if (optimizer.ClipNorm <= 0)
            return [.. totals.Select(t => Pointwise.Apply(holds ? "Clip" : "Multiply", a => holds ? Held(a) : Wide(a[0]) * a[1], t, scale))];
        // Of what is not held the norm is taken before scaling.
        var squares = totals.Select(t => (holds ? Pointwise.Apply("Square", a => Square(Held(a)), t, scale) : Pointwise.Apply("Square", a => Square(Wide(a[0])), t)).SumAll());
        var root = squares.Aggregate((sum, next) => sum + next).Sqrt();
        var factor = Pointwise.Apply("ClipNorm", a => Fn.Min(optimizer.ClipNorm / (a[0] + 1e-6), 1), holds ? root : root * scale);
        Node.Label(factor, "clip");
        var times = scale * factor;
        return [.. totals.Select(t => holds
            ? Pointwise.Apply("Clip", a => Held(a) * a[2], t, scale, factor)
            : Pointwise.Apply("Multiply", a => Wide(a[0]) * a[1], t, times))];

        static Scalar Wide(Scalar total) => Fn.Convert(total, DType.Float32);

        static Scalar Square(Scalar x) => x * x;

        Scalar Held(Scalar[] a) => Fn.Max(Fn.Min(Wide(a[0]) * a[1], optimizer.ClipValue), -optimizer.ClipValue);
    }
}
