using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Operators that move elements and compute none.</summary>
internal static class Movement
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Identity", 1, c => c.Value(0)),
        new("Reshape", 1, c => Reshaped(c, c.RequiredInts("shape"))),
        new("Reshape", 5, c => Reshaped(c, c.Integers(1)))
        {
            Write = (node, _) => node.Op is Ops.Reshape op ? new Written("Reshape", node.Inputs[0], Written.Numbers([.. op.Target], mayInfer: true))
                with { Attributes = op.Target.Contains(0) ? [Attributes.Int("allowzero", 1)] : [] } : null,
        },
        new("Flatten", 1, c => c.Moved(c.X().Reshape(Matrix(c.X().Shape, Between(c.Int("axis", 1), c.X().Shape.Rank))))),
        new("Transpose", 1, c => c.Moved(c.X().Transpose(c.Ints("perm") is { } order ? OnnxCall.Axes(order, c.X().Shape.Rank)
            : [.. Enumerable.Range(0, c.X().Shape.Rank).Reverse()])))
        {
            Write = (node, _) => node.Op is Ops.Transpose op ? new Written("Transpose", node.Inputs[0]).With(Attributes.Ints("perm", op.Order)) : null,
        },
        new("Squeeze", 1, Squeezed),
        new("Unsqueeze", 1, Unsqueezed),
        new("Concat", 1, c => c.Element() == ElementType.String ? throw new OnnxUnsupportedException("texts are not concatenated along an axis")
            : c.Moved(Composites.Concat(OnnxCall.Axis(c.Int("axis", 1), c.X().Shape.Rank), [.. c.All.Select(t => t.Tensor)])))
        {
            Write = (node, _) => node.Op is Ops.Concat op ? new Written("Concat", [.. node.Inputs.Select(i => (WrittenInput)i)]).With(Attributes.Int("axis", op.Axis)) : null,
        },
        new("Split", 1, Pieces)
        {
            Write = (node, _) => node.Op is Ops.Split op ? new Written("Split", node.Inputs[0], Written.Numbers(op.Lengths)).With(Attributes.Int("axis", op.Axis)) : null,
        },
        new("Slice", 1, c => c.Moved(Sliced(c.X(), c.RequiredInts("starts"), c.RequiredInts("ends"), c.Ints("axes"), null))),
        new("Slice", 10, c => c.Moved(Sliced(c.X(), c.Integers(1), c.Integers(2), c.Has(3) ? c.Integers(3) : null, c.Has(4) ? c.Integers(4) : null))) { Write = WriteSlice },
        new("Expand", 8, c => c.Moved(Expanded(c.X(), c.Integers(1))))
        {
            Write = (node, _) => node.Op is Ops.BroadcastTo op ? new Written("Expand", node.Inputs[0], Written.Numbers([.. op.Target])) : null,
        },
        new("Tile", 6, c => c.Moved(c.X().Tile(c.Integers(1)))),
        new("Pad", 1, c => c.Moved(Padding.Apply(c.X(), c.Ints("pads") ?? c.RequiredInts("paddings"), null, c.Text("mode", "constant"), Fill.Create(c.X().DType, Shape.Scalar, c.Float("value", 0))))),
        new("Pad", 11, c => c.Moved(Padding.Apply(c.X(), c.Integers(1), c.Has(3) ? c.Integers(3) : null, c.Text("mode", "constant"),
            c.Has(2) ? c.X(2).Reshape(Shape.Scalar) : Fill.Create(c.X().DType, Shape.Scalar, 0))))
        {
            Write = (node, _) => node.Op is Ops.Pad op && op.Between.All(n => n == 0) && op.Before.Concat(op.After).Any(n => n > 0)
                ? new Written("Pad", node.Inputs[0], Written.Numbers([.. op.Before, .. op.After])) : null,
        },
        new("DepthToSpace", 1, c => c.Moved(DepthToSpace(c.X(), c.Int("blocksize"), c.Text("mode", "DCR")))),
        new("SpaceToDepth", 1, c => c.Moved(SpaceToDepth(c.X(), c.Int("blocksize")))),
        new("Trilu", 14, c => c.Moved(Triangle(c.X(), c.Has(1) ? c.Integers(1)[0] : 0, c.Flag("upper", true)))),
        new("ReverseSequence", 10, c => c.Moved(ReverseSequence(c))),
        new("CenterCropPad", 18, c => c.Moved(CenterCropPad(c))),
    ];

    /// <summary>[what is before the axis, all from it on].</summary>
    internal static Shape Matrix(Shape shape, int axis)
    {
        long before = shape.Take(axis).Aggregate(1L, (n, d) => n * d), after = shape.Skip(axis).Aggregate(1L, (n, d) => n * d);
        return Shape.Of(before, after);
    }

    /// <summary>A list of numbers as a tensor of that rank whose only long axis it is.</summary>
    internal static Tensor Along(Tensor list, int axis, int rank) =>
        list.Reshape(Shape.Of([.. Enumerable.Range(0, rank).Select(a => a == axis ? list.Shape.Count : 1)]));

    private static int Between(long axis, int rank) => axis == rank ? rank : OnnxCall.Axis(axis, rank);

    private static OnnxValue Reshaped(OnnxCall c, long[] wanted)
    {
        var shape = c.Shape();
        wanted = c.Context.Mode?.Rebatched(shape, wanted) ?? wanted;
        var dims = wanted.Select((dim, axis) => dim == 0 && !c.Flag("allowzero") ? axis < shape.Rank ? shape[axis]
            : throw new OnnxException($"dimension {axis} of {shape} does not exist and cannot be kept") : dim).ToArray();
        if (dims.Count(d => d < 0) > 1 || dims.Any(d => d < -1))
            throw new OnnxException($"[{string.Join(", ", wanted)}] is no shape");
        long rest = dims.Where(d => d >= 0).Aggregate(1L, (n, d) => checked(n * d));
        if (Array.IndexOf(dims, -1) is >= 0 and var open)
            dims[open] = rest == 0 ? 0 : shape.Count / rest;
        var target = Shape.Of(dims);
        if (c.Value(0) is HostTexts texts)
            return target.Count == shape.Count ? texts with { Shape = target } : throw new OnnxException($"{shape} cannot be reshaped to {target}");
        return c.Moved(c.X().Reshape(target));
    }

    private static OnnxValue Squeezed(OnnxCall c)
    {
        var shape = c.Shape();
        int[] axes = c.IntsOrInput("axes", 1) is { } given ? OnnxCall.Axes(given, shape.Rank) : [.. Enumerable.Range(0, shape.Rank).Where(a => shape[a] == 1)];
        if (axes.Any(a => shape[a] != 1))
            throw new OnnxException($"axes {string.Join(", ", axes)} of {shape} are not all 1");
        return c.Moved(c.X().Reshape(Shape.Of([.. shape.Where((_, a) => !axes.Contains(a))])));
    }

    private static OnnxValue Unsqueezed(OnnxCall c)
    {
        var shape = c.Shape();
        var given = c.IntsOrInput("axes", 1) ?? throw new OnnxException("axes are missing");
        int[] axes = OnnxCall.Axes(given, shape.Rank + given.Length);
        var dims = shape.GetEnumerator();
        return c.Moved(c.X().Reshape(Shape.Of([.. Enumerable.Range(0, shape.Rank + axes.Length).Select(a => axes.Contains(a) || !dims.MoveNext() ? 1 : dims.Current)])));
    }

    private static ImmutableArray<OnnxValue?> Pieces(OnnxCall c)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Int("axis", 0), x.Shape.Rank);
        long count = c.Int("num_outputs", c.Outputs), each = count == 0 ? 0 : (x.Shape[axis] + count - 1) / count;
        long[] lengths = c.IntsOrInput("split", 1)
            ?? [.. Enumerable.Range(0, Tables.Pieces(count)).Select(i => Math.Max(0, Math.Min(each, x.Shape[axis] - i * each)))];
        return [.. x.Split(axis, lengths).Select(piece => c.Moved(piece))];
    }

    /// <summary>Slices by bounds that may count from the end or lie beyond; steps may go backwards.</summary>
    internal static Tensor Sliced(Tensor x, long[] starts, long[] ends, long[]? axes, long[]? steps)
    {
        int[] which = axes is null ? [.. Enumerable.Range(0, starts.Length)] : OnnxCall.Axes(axes, x.Shape.Rank);
        if (ends.Length != starts.Length || which.Length != starts.Length || (steps is not null && steps.Length != starts.Length) || starts.Length > x.Shape.Rank)
            throw new OnnxException("starts, ends, axes and steps are not equally many");
        long[] first = new long[x.Shape.Rank], length = [.. x.Shape], step = [.. x.Shape.Select(_ => 1L)];
        for (int i = 0; i < which.Length; i++)
        {
            long dim = x.Shape[which[i]], by = steps?[i] ?? 1;
            if (by == 0)
                throw new OnnxException("a step of 0 leads nowhere");
            (long low, long high) = by > 0 ? (0L, dim) : (-1L, dim - 1);
            long from = Math.Clamp(starts[i] < 0 ? starts[i] + dim : starts[i], by > 0 ? 0 : Math.Min(0, high), high);
            long to = Math.Clamp(ends[i] < 0 ? Math.Max(ends[i], -dim - 1) + dim : ends[i], low, high);
            long many = by > 0 ? (to - from + by - 1) / by : by == long.MinValue ? from > to ? 1 : 0 : (from - to - by - 1) / -by;
            (first[which[i]], length[which[i]], step[which[i]]) = (from, Math.Max(0, dim == 0 ? 0 : many), by);
        }

        for (int axis = 0; axis < step.Length; axis++)
        {
            if (step[axis] > 0)
                continue;
            int[] indices = [.. Enumerable.Range(0, Tables.Length(length[axis])).Select(i => (int)(first[axis] + i * step[axis]))];
            x = x.Gather(Constant.Create<int>(indices, Shape.Of(indices.Length)), axis);
            (first[axis], step[axis]) = (0, 1);
        }

        for (int axis = 0; axis < step.Length; axis++)
            step[axis] = Math.Min(step[axis], Math.Max(1, x.Shape[axis]));
        return length.SequenceEqual(x.Shape) && first.All(f => f == 0) ? x : x.Slice([.. first], [.. length], [.. step]);
    }

    /// <summary>Only axes of which something is left out are named.</summary>
    private static Written? WriteSlice(Node node, WriteContext context)
    {
        if (node.Op is not Ops.Slice op)
            return null;
        var shape = node.Inputs[0].Shape;
        int[] axes = [.. Enumerable.Range(0, shape.Rank).Where(a => op.Start[a] != 0 || op.Length[a] != shape[a] || op.Step[a] != 1)];
        return axes.Length == 0 ? null : new Written("Slice", node.Inputs[0], Written.Numbers([.. axes.Select(a => op.Start[a])]),
            Written.Numbers([.. axes.Select(a => op.Length[a] == 0 ? op.Start[a] : op.Start[a] + (op.Length[a] - 1) * op.Step[a] + 1)]),
            Written.Numbers([.. axes.Select(a => (long)a)]), Written.Numbers([.. axes.Select(a => op.Step[a])]));
    }

    private static Tensor Expanded(Tensor x, long[] shape) => x.BroadcastTo(Shape.Broadcast(x.Shape, Shape.Of(shape)));

    private static Tensor DepthToSpace(Tensor x, long block, string mode)
    {
        var (n, c, h, w) = Image(x);
        if (block < 1 || c % (block * block) != 0)
            throw new OnnxException($"{c} channels are no squares of {block}");
        long left = c / (block * block);
        var apart = mode == "CRD"
            ? x.Reshape(Shape.Of(n, left, block, block, h, w)).Transpose(0, 1, 4, 2, 5, 3)
            : x.Reshape(Shape.Of(n, block, block, left, h, w)).Transpose(0, 3, 4, 1, 5, 2);
        return apart.Reshape(Shape.Of(n, left, h * block, w * block));
    }

    private static Tensor SpaceToDepth(Tensor x, long block)
    {
        var (n, c, h, w) = Image(x);
        if (block < 1 || h % block != 0 || w % block != 0)
            throw new OnnxException($"an image of {h}×{w} is no blocks of {block}");
        return x.Reshape(Shape.Of(n, c, h / block, block, w / block, block)).Transpose(0, 3, 5, 1, 2, 4).Reshape(Shape.Of(n, c * block * block, h / block, w / block));
    }

    private static (long N, long C, long H, long W) Image(Tensor x) => x.Shape.Rank == 4
        ? (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]) : throw new OnnxException($"an image [n, channels, height, width] is needed, not {x.Shape}");

    private static Tensor Triangle(Tensor x, long diagonal, bool upper)
    {
        // A number beyond every row and column is as good as one just beyond.
        long most = x.Shape.Rank < 2 ? 0 : x.Shape[^2] + x.Shape[^1];
        int at = checked((int)Math.Clamp(diagonal, -most, most));
        return upper ? x.Triu(at) : x.Tril(at);
    }

    private static Tensor ReverseSequence(OnnxCall c)
    {
        var x = c.X();
        int batch = (int)c.Int("batch_axis", 1), time = (int)c.Int("time_axis", 0);
        if (x.Shape.Rank < 2 || (batch, time) is not ((0, 1) or (1, 0)))
            throw new OnnxException($"batch and time axes {batch} and {time} of {x.Shape}");
        var lengths = Movement.Along(c.X(1).Convert(DType.Int32), batch, 2);
        var steps = Movement.Along(Composites.Iota(checked((int)x.Shape[time])), time, 2);
        var from = Pointwise.Apply("Reversed", a => Fn.Select(a[0] < a[1], a[1] - a[0] - 1, a[0]), steps, lengths);
        return Indexing.GatherElements(x, from.Reshape(Shape.Of([.. from.Shape, .. Enumerable.Repeat(1L, x.Shape.Rank - 2)])).BroadcastTo(x.Shape), time);
    }

    private static Tensor CenterCropPad(OnnxCall c)
    {
        var x = c.X();
        var target = c.Integers(1);
        int[] axes = c.Ints("axes") is { } given ? OnnxCall.Axes(given, x.Shape.Rank) : [.. Enumerable.Range(0, x.Shape.Rank)];
        if (target.Length != axes.Length)
            throw new OnnxException($"{target.Length} lengths for {axes.Length} axes");
        long[] starts = new long[x.Shape.Rank], lengths = [.. x.Shape], before = new long[x.Shape.Rank], after = new long[x.Shape.Rank];
        for (int i = 0; i < axes.Length; i++)
        {
            long more = target[i] - x.Shape[axes[i]];
            if (more < 0)
                (starts[axes[i]], lengths[axes[i]]) = (-more / 2, target[i]);
            else
                (before[axes[i]], after[axes[i]]) = (more / 2, more - more / 2);
        }

        long[] zeros = new long[x.Shape.Rank];
        return x.Slice([.. starts], [.. lengths], [.. zeros.Select(_ => 1L)]).Pad([.. before], [.. after], [.. zeros]);
    }
}
