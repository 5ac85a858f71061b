using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Reductions over axes, which are an attribute in older versions and an input in newer ones.</summary>
internal static class Reductions
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("ReduceSum", 1, c => Over(c, (x, axes) => x.Sum(axes))) { Write = (node, _) => Written(node, "ReduceSum", Reduction.Sum) },
        new("ReduceMean", 1, c => Over(c, Mean)),
        new("ReduceMax", 1, c => Over(c, (x, axes) => Extreme(c.Element(), x, axes, largest: true))) { Write = (node, _) => Written(node, "ReduceMax", Reduction.Maximum) },
        new("ReduceMin", 1, c => Over(c, (x, axes) => Extreme(c.Element(), x, axes, largest: false))) { Write = (node, _) => Written(node, "ReduceMin", Reduction.Minimum) },
        new("ReduceProd", 1, c => Over(c, Product)),
        new("ReduceL1", 1, c => Over(c, (x, axes) => Pointwise.Apply("Abs.ONNX", a => Fn.Abs(a[0]), x).Sum(axes))),
        new("ReduceL2", 1, c => Over(c, (x, axes) => Floating(x, f => (f * f).Sum(axes).Sqrt()))),
        new("ReduceLogSum", 1, c => Over(c, (x, axes) => Floating(x, f => f.Sum(axes).Log()))),
        new("ReduceLogSumExp", 1, c => Over(c, (x, axes) => Floating(x, f => LogSumExp(f, axes)))),
        new("ReduceSumSquare", 1, c => Over(c, (x, axes) => (x * x).Sum(axes))),
        new("ArgMax", 1, c => Best(c, largest: true)),
        new("ArgMin", 1, c => Best(c, largest: false)),
        new("CumSum", 11, c => c.Out(Scan(c, (a, b) => a + b, 0))),
        new("CumProd", 26, c => c.Out(Scan(c, (a, b) => a * b, 1))),
        new("TopK", 1, Top),
    ];

    private delegate Tensor Reducer(Tensor x, int[] axes);

    private static Written? Written(Node node, string name, Reduction reduction) =>
        node.Op is Reduce op && op.Reduction == reduction && node.Inputs.Length == 1 && op.Domain == node.Inputs[0].Shape && op.Body.Instructions is [{ Op: ScalarOp.Argument }]
            ? new Written(name, node.Inputs[0], Export.Written.Numbers([.. op.Axes.Select(a => (long)a)])).With(Attributes.Int("keepdims", 0)) : null;

    private static GraphTensor Over(OnnxCall c, Reducer reduce)
    {
        var x = c.X();
        long[]? given = c.IntsOrInput("axes", 1);
        if (given is null or [] && c.Flag("noop_with_empty_axes"))
            return NoAxes(c, reduce);
        int[] axes = given is null or [] ? [.. Enumerable.Range(0, x.Shape.Rank)] : OnnxCall.Axes(given, x.Shape.Rank);
        var kept = Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        var removed = Shape.Of([.. x.Shape.Where((_, axis) => !axes.Contains(axis))]);
        // Bool has an order but no kernel that reduces it.
        var result = x.DType == DType.Bool ? reduce(x.Convert(DType.Int32), axes).Convert(DType.Bool) : reduce(x, axes);
        return c.Out(result.Reshape(c.Flag("keepdims", true) ? kept : removed));
    }

    /// <summary>Over no axes each element is a sum by itself: what happens to elements still happens.</summary>
    private static GraphTensor NoAxes(OnnxCall c, Reducer reduce) =>
        c.Out(reduce(c.X().Reshape(c.X().Shape.Append(1)), [c.X().Shape.Rank]).Reshape(c.X().Shape));

    private static Tensor Mean(Tensor x, int[] axes)
    {
        long count = axes.Aggregate(1L, (n, axis) => n * x.Shape[axis]);
        return x.DType.IsFloat() ? x.Sum(axes) * (1.0 / count)
            : Pointwise.Apply("Divide", a => Arithmetic.Quotient(a[0], Scalar.Literal(count, x.DType)), x.Sum(axes));
    }

    /// <summary>Of whole numbers by way of float64.</summary>
    private static Tensor Floating(Tensor x, Func<Tensor, Tensor> apply) => x.DType.IsFloat() ? apply(x) : apply(x.Convert(DType.Float64)).Convert(x.DType);

    private static Tensor Extreme(ElementType element, Tensor x, int[] axes, bool largest)
    {
        if (x.Shape.Count > 0)
            return largest ? x.Max(axes) : x.Min(axes);
        // Of no elements: what every element is beyond.
        double nothing = element.IsFloat() ? largest ? double.NegativeInfinity : double.PositiveInfinity
            : element == ElementType.Bool ? largest ? 0 : 1 : largest ? element.Range().Low : element.Range().High;
        return Fill.Create(x.DType, Shape.Of([.. x.Shape.Where((_, axis) => !axes.Contains(axis))]), nothing);
    }

    private static Tensor LogSumExp(Tensor x, int[] axes)
    {
        if (x.Shape.Count == 0)
            return x.Sum(axes).Log();
        var kept = Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        var most = x.Max(axes).Reshape(kept);
        // Of infinities nothing can be taken off.
        var top = Pointwise.Apply("Finite", a => Fn.Select(Fn.Abs(a[0]) <= double.MaxValue, a[0], 0), most).Detach();
        var sum = (x - top).Exp().Sum(axes);
        return sum.Log() + top.Reshape(sum.Shape);
    }

    private static Tensor Product(Tensor x, int[] axes)
    {
        int[] kept = [.. Enumerable.Range(0, x.Shape.Rank).Except(axes)];
        var shape = Shape.Of([.. kept.Select(a => x.Shape[a])]);
        return x.Transpose([.. axes, .. kept]).Reshape(shape.Prepend(axes.Aggregate(1L, (n, axis) => n * x.Shape[axis]))).Prod(0);
    }

    /// <summary>Int32 numbers of the first (or last) elements along an axis that equal a value; a NaN equals all.</summary>
    internal static Tensor First(Tensor x, int axis, Tensor value, bool last)
    {
        int length = checked((int)x.Shape[axis]);
        var candidates = Pointwise.Apply("IsBest", a => Fn.Select(Fn.Equal(a[0], a[1]) | Fn.NotEqual(a[0], a[0]), a[2], last ? -1.0 : length),
            x, value.Reshape(x.Shape.With(axis, 1)), Movement.Along(Composites.Iota(length), axis, x.Shape.Rank));
        return last ? candidates.Max(axis) : candidates.Min(axis);
    }

    private static GraphTensor Best(OnnxCall c, bool largest)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Int("axis", 0), x.Shape.Rank);
        var best = First(x, axis, largest ? x.Max(axis) : x.Min(axis), c.Flag("select_last_index"));
        return OnnxCall.Out(c.Flag("keepdims", true) ? best.Reshape(x.Shape.With(axis, 1)) : best, ElementType.Int64);
    }

    /// <summary>Running results along an axis in log₂ n passes, each of which joins what is 1, 2, 4, … before.</summary>
    private static Tensor Scan(OnnxCall c, Func<Scalar, Scalar, Scalar> join, double neutral)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Integers(1)[0], x.Shape.Rank);
        long length = x.Shape[axis];
        if (length == 0)
            return x;
        bool reverse = c.Flag("reverse");
        if (c.Flag("exclusive"))
            x = Shifted(1);
        for (long by = 1; by < length; by *= 2)
            x = Pointwise.Apply("Scan", a => join(a[0], a[1]), x, Shifted(by));
        return x;

        Tensor Shifted(long by)
        {
            long moved = Math.Min(by, length);
            var gap = Fill.Create(x.DType, x.Shape.With(axis, moved), neutral);
            return reverse ? Composites.Concat(axis, x.Split(axis, moved, length - moved)[^1], gap) : Composites.Concat(axis, gap, x.Split(axis, length - moved, moved)[0]);
        }
    }

    private static ImmutableArray<OnnxValue?> Top(OnnxCall c)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Int("axis", -1), x.Shape.Rank);
        long k = c.Version < 10 ? c.Int("k") : c.Integers(1)[0];
        if (k < 0 || k > x.Shape[axis])
            throw new OnnxException($"there are no {k} of {x.Shape[axis]} elements");
        var (values, indices) = Sorting.Top(x, axis, k, c.Flag("largest", true));
        return [c.Moved(values), OnnxCall.Out(indices, ElementType.Int64)];
    }
}
