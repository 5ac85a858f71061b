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

    public static Tensor Detach(this Tensor x) => new Node(new Detach(), [x]).Output;

    public static Tensor Convert(this Tensor x, DType type) =>
        x.DType == type ? x : Pointwise.Apply("Convert", a => Fn.Convert(a[0], type), x);

    public static Tensor Relu(this Tensor x) => Pointwise.Apply("Relu", x);

    /// <summary>0, 1, 2, … as Int32.</summary>
    public static Tensor Iota(int count) => Constant.Create<int>(Enumerable.Range(0, count).ToArray(), Shape.Of(count));

    // The maximum is the same for the result whatever it is, so no gradient goes through it.
    private static Tensor Shifted(Tensor x, int axis) => x - KeepAxis(x.Max(axis), x, axis).Detach();

    private static Tensor KeepAxis(Tensor reduced, Tensor like, int axis) =>
        reduced.Reshape(like.Shape.With(axis < 0 ? axis + like.Shape.Rank : axis, 1));
}
