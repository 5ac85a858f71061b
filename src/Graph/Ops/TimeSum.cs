using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Values of one step and the tensors that hold them for all steps: those that were there before, and those that a scan is asked to put out.
/// <paramref name="axis"/>: where the time axis of the latter stands.
/// </summary>
internal sealed class Held(int axis)
{
    private readonly List<(Tensor Inner, Tensor Outer, int Axis)> known = [];
    private readonly List<(Tensor Inner, int Axis)> asked = [];
    private ImmutableArray<Tensor> taken = [];

    public IEnumerable<Tensor> Inner => known.Select(k => k.Inner);

    public IEnumerable<Tensor> Outer => known.Select(k => k.Outer);

    public ImmutableArray<int> InnerAxes => [.. known.Select(k => k.Axis)];

    public IReadOnlyList<(Tensor Inner, int Axis)> Asked => asked;

    public void Add(Tensor inner, Tensor outer, int along) => known.Add((inner, outer, along));

    /// <summary>The number among <see cref="Asked"/> of a value that must be put out along that axis.</summary>
    public int Ask(Tensor inner, int along)
    {
        int index = asked.IndexOf((inner, along));
        if (index >= 0)
            return index;
        asked.Add((inner, along));
        return asked.Count - 1;
    }

    /// <summary>All steps' values of a tensor of one step, once the scan is there, and where their axis stands.</summary>
    public (Func<Tensor> Outer, int Axis) Of(Tensor inner)
    {
        if (known.FindIndex(k => k.Inner == inner) is >= 0 and var i)
            return (() => known[i].Outer, known[i].Axis);
        int index = asked.FindIndex(a => a.Inner == inner) is >= 0 and var found ? found : Ask(inner, Math.Min(axis, inner.Shape.Rank));
        return (() => taken[index], asked[index].Axis);
    }

    public void Take(ImmutableArray<Tensor> outputs) => taken = outputs;
}

/// <summary>
/// The sum over all steps of a value of each: what the gradient of a tensor that every step reads is. A sum of products is one product over a
/// longer axis, a sum of sums one sum, so weights get their gradient in one go and nothing is added up step by step.
/// </summary>
internal static class TimeSum
{
    public static Func<Tensor> Of(Tensor value, Held held)
    {
        var node = value.Producer;
        switch (node.Op)
        {
            case Pointwise { Label: "Add" } when node.Inputs.All(i => i.Shape == value.Shape):
                var (first, second) = (Of(node.Inputs[0], held), Of(node.Inputs[1], held));
                return () => first() + second();
            case Transpose op:
                var turned = Of(node.Inputs[0], held);
                return () => turned().Transpose([.. op.Order]);
            case Reshape op:
                var reshaped = Of(node.Inputs[0], held);
                return () => reshaped().Reshape(op.Target);
            case Reduce { Reduction: Reduction.Sum } op when op.Domain == node.Inputs[0].Shape:
                var (terms, at) = held.Of(node.Inputs[0]);
                return () => terms().Sum([at, .. op.Axes.Select(a => Shifted(a, at))]);
            case Contract { Body: null, OverShards: false } op:
                var (left, right) = (held.Of(node.Inputs[0]), held.Of(node.Inputs[1]));
                return () => Product(op, left, right);
            case ScatterAdd { PerShard: false } op:
                var (indices, updates) = (held.Of(node.Inputs[0]), held.Of(node.Inputs[1]));
                return () => ScatterAdd.Apply(TimeAxis.Move(indices.Outer(), indices.Axis, 0), TimeAxis.Move(updates.Outer(), updates.Axis, 0), op.Rows);
            case Convolve { Form: ConvolveForm.FilterGradient } op:
                var (image, result) = (held.Of(node.Inputs[0]), held.Of(node.Inputs[1]));
                return () => new Node(op, [Samples(image), Samples(result)]).Output;
            default:
                var (all, axis) = held.Of(value);
                return () => all().Sum(axis);
        }
    }

    private static int Shifted(int axis, int inserted) => axis >= inserted ? axis + 1 : axis;

    private static Tensor Product(Contract op, (Func<Tensor> Outer, int Axis) left, (Func<Tensor> Outer, int Axis) right)
    {
        Seq<int> Left(Seq<int> axes) => [.. axes.Select(a => Shifted(a, left.Axis))];
        Seq<int> Right(Seq<int> axes) => [.. axes.Select(a => Shifted(a, right.Axis))];
        // Summed axes in the order in which the left has them in memory: they are then walked as one.
        var sums = Left(op.LeftSum).Zip(Right(op.RightSum)).Append((left.Axis, right.Axis)).OrderBy(s => s.Item1).ToArray();
        return new Node(new Contract(Left(op.LeftBatch), Right(op.RightBatch), [.. sums.Select(s => s.Item1)], [.. sums.Select(s => s.Item2)]), [left.Outer(), right.Outer()]).Output;
    }

    /// <summary>Steps are more samples.</summary>
    private static Tensor Samples((Func<Tensor> Outer, int Axis) held)
    {
        var first = TimeAxis.Move(held.Outer(), held.Axis, 0);
        return first.Reshape(Shape.Of([first.Shape[0] * first.Shape[1], .. first.Shape.Dims[2..]]));
    }
}
