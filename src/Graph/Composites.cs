using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph;

/// <summary>Functions that are nothing but graphs of ops.</summary>
public static class Composites
{
    /// <summary>e^x / Σ e^x along an axis, of any rank; the largest is taken off first, so nothing overflows.</summary>
    public static Tensor Softmax(this Tensor x, int axis = -1)
    {
        var e = Shifted(x, axis).Exp();
        return e / KeepAxis(e.Sum(axis), x, axis);
    }

    /// <summary>log softmax without taking the logarithm of a small number.</summary>
    public static Tensor LogSoftmax(this Tensor x, int axis = -1)
    {
        var shifted = Shifted(x, axis);
        return shifted - KeepAxis(shifted.Exp().Sum(axis).Log(), x, axis);
    }

    /// <summary>
    /// What the losses need of log softmax over the innermost axis: x less its largest value, and log Σ e^ of that, [..] without the axis.
    /// Their difference is the log softmax.
    /// </summary>
    internal static (Tensor Shifted, Tensor LogSum) LogSumExp(Tensor x)
    {
        var shifted = Shifted(x, -1);
        return (shifted, shifted.Exp().Sum(-1).Log());
    }

    /// <summary>
    /// The same value, through which no gradient flows. Once it is computed, the graph behind it is forgotten: what goes on from round to
    /// round of a loop is detached, so that the rounds before do not stay in memory.
    /// </summary>
    public static Tensor Detach(this Tensor x) => new Node(new Detach(), [x]).Output;

    /// <summary>The same values in another type; floating to integer truncates.</summary>
    /// <exception cref="GraphException">One of the types is for storage alone.</exception>
    public static Tensor Convert(this Tensor x, DType type) => type == DType.BFloat16 || x.DType == DType.BFloat16
        ? throw new GraphException($"bfloat16 is how training stores what it keeps, not a type to compute with: {x.Type} to {type}; a job's storage says it for all")
        : x.Stored(type);

    /// <summary>The same for types that only plans have.</summary>
    internal static Tensor Stored(this Tensor x, DType type) =>
        x.DType == type ? x : Pointwise.Apply("Convert", a => Fn.Convert(a[0], type), x);

    public static Tensor Relu(this Tensor x) => Pointwise.Apply("Relu", x);

    /// <summary>At least <paramref name="low"/> and at most <paramref name="high"/>.</summary>
    public static Tensor Clip(this Tensor x, double low, double high) => Pointwise.Apply("Clip", a => Fn.Clamp(a[0], low, high), x);

    public static Tensor Mean(this Tensor x, params ReadOnlySpan<int> axes)
    {
        if (!x.DType.IsFloat())
            throw new GraphException($"the mean of {x.Type}: convert it to a floating type first");
        var sum = x.Sum(axes);
        return sum.Shape.Count == 0 ? sum : sum * ((double)sum.Shape.Count / x.Shape.Count);
    }

    /// <summary>Pieces of those lengths along an axis.</summary>
    public static ImmutableArray<Tensor> Split(this Tensor x, int axis, params ReadOnlySpan<long> lengths) => Ops.Split.Apply(x, axis, Seq.Create(lengths));

    /// <summary>One after the other along an axis.</summary>
    public static Tensor Concat(int axis, params ImmutableArray<Tensor> tensors) => Ops.Concat.Apply(axis, tensors);

    /// <summary>Elements of an axis by Int32 indices of any shape, which takes the axis' place; out of range gives zeros.</summary>
    public static Tensor Gather(this Tensor x, Tensor indices, int axis = 0)
    {
        int from = x.Axis(axis);
        if (from == 0)
            return Ops.Gather.Apply(x, indices);
        var rows = Ops.Gather.Apply(x.Transpose([from, .. Enumerable.Range(0, x.Shape.Rank).Where(a => a != from)]), indices);
        return rows.Transpose([.. Enumerable.Range(indices.Shape.Rank, from), .. Enumerable.Range(0, indices.Shape.Rank),
            .. Enumerable.Range(indices.Shape.Rank + from, x.Shape.Rank - 1 - from)]);
    }

    /// <summary>[channels] as [channels, 1, …], to meet the channels of [n, channels, …] of that rank.</summary>
    public static Tensor AlongChannels(this Tensor channels, int rank) =>
        channels.Reshape(Shape.Of([channels.Shape.Count, .. Enumerable.Repeat(1L, rank - 2)]));

    /// <summary>With axes of 1 before its own, as many as make that rank: what broadcasting does by itself, for ops that want all axes.</summary>
    internal static Tensor WithRank(this Tensor x, int rank) => x.Reshape(Shape.Of([.. Enumerable.Repeat(1L, Math.Max(0, rank - x.Shape.Rank)), .. x.Shape]));

    /// <summary>0, 1, 2, … as Int32.</summary>
    public static Tensor Iota(int count) => Constant.Create<int>(Enumerable.Range(0, count).ToArray(), Shape.Of(count));

    // The maximum is the same for the result whatever it is, so no gradient goes through it.
    private static Tensor Shifted(Tensor x, int axis) => x - KeepAxis(x.Max(axis), x, axis).Detach();

    private static Tensor KeepAxis(Tensor reduced, Tensor like, int axis) =>
        reduced.Reshape(like.Shape.With(axis < 0 ? axis + like.Shape.Rank : axis, 1));
}
