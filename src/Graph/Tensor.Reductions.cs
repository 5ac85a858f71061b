using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph;

/// <summary>
/// What many elements are together. Without an argument: of all of them; with axes: over those, which disappear unless they are kept
/// with length 1. Negative axes count from the end.
/// </summary>
public sealed partial class Tensor
{
    public Tensor Sum() => Sum(AllAxes);

    public Tensor Sum(ReadOnlySpan<int> axes, bool keepAxes) => Keep(Sum(axes), axes, keepAxes);

    public Tensor Max() => Max(AllAxes);

    public Tensor Max(ReadOnlySpan<int> axes, bool keepAxes) => Keep(Max(axes), axes, keepAxes);

    public Tensor Min() => Min(AllAxes);

    public Tensor Min(ReadOnlySpan<int> axes, bool keepAxes) => Keep(Min(axes), axes, keepAxes);

    public Tensor Mean() => this.Mean(AllAxes);

    public Tensor Mean(ReadOnlySpan<int> axes, bool keepAxes) => Keep(this.Mean(axes), axes, keepAxes);

    /// <summary>The mean of several tensors that broadcast.</summary>
    public static Tensor MeanOf(params IReadOnlyList<Tensor> tensors) => tensors.Count > 0
        ? tensors.Aggregate((a, b) => a + b) * (1.0 / tensors.Count) : throw new GraphException("the mean of no tensors has no type");

    /// <summary>The mean square of what differs from the mean; <paramref name="unbiased"/> divides by one less.</summary>
    public Tensor Variance(ReadOnlySpan<int> axes, bool unbiased = false, bool keepAxes = false)
    {
        var difference = this - Mean(axes, keepAxes: true);
        var sum = (difference * difference).Sum(axes);
        double count = (double)Shape.Count / sum.Shape.Count;
        return Keep(sum * (1 / (count - (unbiased ? 1 : 0))), axes, keepAxes);
    }

    public Tensor Variance(bool unbiased = false) => Variance(AllAxes, unbiased);

    /// <summary>The product of all elements.</summary>
    public Tensor Prod() => Flatten().Prod(0);

    /// <summary>
    /// The product along an axis, halves with halves until one is left: log₂ n passes, and gradients that are right where factors are 0.
    /// </summary>
    public Tensor Prod(int axis)
    {
        int at = Axis(axis);
        var rest = this;
        if (Shape[at] == 0)
            return Full(Shape.RemoveAt(at), 1, DType);
        while (rest.Shape[at] > 1)
        {
            long half = rest.Shape[at] / 2, odd = rest.Shape[at] % 2;
            var parts = odd == 0 ? rest.Split(at, half, half) : rest.Split(at, half, half, odd);
            var product = parts[0] * parts[1];
            rest = odd == 0 ? product : Composites.Concat(at, product, parts[2]);
        }

        return rest.Reshape(Shape.RemoveAt(at));
    }

    /// <summary>Where along an axis the largest element is, as Int32; of equal ones the first, and a NaN is the largest.</summary>
    public Tensor ArgMax(int axis) => First(axis, Max(axis));

    /// <summary>Where along an axis the smallest element is, as Int32; of equal ones the first, and a NaN is the smallest.</summary>
    public Tensor ArgMin(int axis) => First(axis, Min(axis));

    /// <summary>Where the largest element is, counted row by row.</summary>
    public Tensor ArgMax() => Flatten().ArgMax(0);

    /// <summary>Where the smallest element is, counted row by row.</summary>
    public Tensor ArgMin() => Flatten().ArgMin(0);

    /// <summary>Whether any element of a Bool tensor is true.</summary>
    public Tensor Any(params ReadOnlySpan<int> axes) => Truths().Max(axes.IsEmpty ? AllAxes : axes).NotEqualTo(0);

    /// <summary>Whether all elements of a Bool tensor are true.</summary>
    public Tensor All(params ReadOnlySpan<int> axes) => Truths().Min(axes.IsEmpty ? AllAxes : axes).NotEqualTo(0);

    /// <summary>(Σ |x|^p)^(1/p) of all elements: 2 is Euclid's, ∞ the largest magnitude. Its gradient at 0 is 0.</summary>
    public Tensor Norm(double p = 2) => Norm(AllAxes, p);

    /// <summary>(Σ |x|^p)^(1/p) over axes.</summary>
    public Tensor Norm(ReadOnlySpan<int> axes, double p = 2, bool keepAxes = false) => Keep(p switch
    {
        2 => Pointwise.Apply("Norm", a => Fn.Select(a[0] > 0, Fn.Sqrt(a[0]), a[0]), Square().Sum(axes)),
        1 => Abs().Sum(axes),
        double.PositiveInfinity => Abs().Max(axes),
        double.NegativeInfinity => Abs().Min(axes),
        0 => throw new GraphException("the number of elements other than 0 has no gradient and is no norm: count x.NotEqualTo(0)"),
        _ => Pointwise.Apply("Norm", a => Fn.Select(a[0] > 0, Fn.Pow(a[0], 1 / p), a[0]),
            Pointwise.Apply("PowerOfMagnitude", a => Fn.Select(Fn.NotEqual(a[0], 0), Fn.Pow(Fn.Abs(a[0]), p), p > 0 ? 0 : double.PositiveInfinity), this).Sum(axes)),
    }, axes, keepAxes);

    /// <summary>log Σ e^x along an axis without overflow.</summary>
    public Tensor LogSumExp(int axis, bool keepAxes = false)
    {
        var largest = Max([axis], keepAxes: true).Detach();
        return Keep((this - largest).Exp().Sum(axis).Log() + largest.Reshape(Shape.RemoveAt(Axis(axis))), [axis], keepAxes);
    }

    private int[] AllAxes => [.. Enumerable.Range(0, Shape.Rank)];

    private Tensor Keep(Tensor reduced, ReadOnlySpan<int> axes, bool keep)
    {
        if (!keep)
            return reduced;
        int[] gone = [.. axes.ToArray().Select(a => a < 0 ? a + Shape.Rank : a)];
        return reduced.Reshape(Shape.Of([.. Shape.Select((dim, a) => gone.Contains(a) ? 1 : dim)]));
    }

    private Tensor Truths() => DType == DType.Bool ? this.Convert(DType.Int32)
        : throw new GraphException($"any and all are asked of bool tensors, not of {Type}: compare it with something");

    private Tensor First(int axis, Tensor extreme)
    {
        int at = Axis(axis);
        long count = Shape[at];
        if (count > int.MaxValue)
            throw new GraphException($"axis {at} of {Shape} is longer than int32 counts");
        var places = Arange((int)count).Reshape(Shape.Of([count, .. Enumerable.Repeat(1L, Shape.Rank - 1 - at)]));
        return Pointwise.Apply("FirstExtreme", a => Fn.Select(Fn.Equal(a[0], a[1]) | Fn.NotEqual(a[0], a[0]), a[2], (double)count),
            this, extreme.Reshape(Shape.With(at, 1)), places).Min(at);
    }
}
