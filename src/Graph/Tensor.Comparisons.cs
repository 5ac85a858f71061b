using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph;

/// <summary>
/// Comparisons give Bool, element by element. <c>==</c> asks whether two tensors are the same object, as everywhere in the graph;
/// whether their elements are equal asks <see cref="EqualTo(Tensor)"/>.
/// </summary>
public sealed partial class Tensor
{
    public static Tensor operator <(Tensor a, Tensor b) => Pointwise.Apply("Less", x => x[0] < x[1], a, b);

    public static Tensor operator >(Tensor a, Tensor b) => Pointwise.Apply("Greater", x => x[0] > x[1], a, b);

    public static Tensor operator <=(Tensor a, Tensor b) => Pointwise.Apply("LessOrEqual", x => x[0] <= x[1], a, b);

    public static Tensor operator >=(Tensor a, Tensor b) => Pointwise.Apply("GreaterOrEqual", x => x[0] >= x[1], a, b);

    public static Tensor operator <(Tensor a, double b) => a < a.Like(b);

    public static Tensor operator >(Tensor a, double b) => a > a.Like(b);

    public static Tensor operator <=(Tensor a, double b) => a <= a.Like(b);

    public static Tensor operator >=(Tensor a, double b) => a >= a.Like(b);

    /// <summary>Of Bool, or of the bits of whole numbers.</summary>
    public static Tensor operator &(Tensor a, Tensor b) => Pointwise.Apply("And", x => x[0] & x[1], Logical(a), Logical(b));

    public static Tensor operator |(Tensor a, Tensor b) => Pointwise.Apply("Or", x => x[0] | x[1], Logical(a), Logical(b));

    public static Tensor operator ^(Tensor a, Tensor b) => Pointwise.Apply("Xor", x => x[0] ^ x[1], Logical(a), Logical(b));

    public static Tensor operator !(Tensor a) => a.DType == DType.Bool ? Pointwise.Apply("Not", x => !x[0], a)
        : throw new GraphException($"! is of bool tensors, not of {a.Type}: compare it with 0");

    public Tensor EqualTo(Tensor other) => Pointwise.Apply("Equal", a => Fn.Equal(a[0], a[1]), this, other);

    public Tensor EqualTo(double other) => EqualTo(Like(other));

    public Tensor NotEqualTo(Tensor other) => Pointwise.Apply("NotEqual", a => Fn.NotEqual(a[0], a[1]), this, other);

    public Tensor NotEqualTo(double other) => NotEqualTo(Like(other));

    public Tensor IsNaN() => NotEqualTo(this);

    /// <summary>Elements of one tensor where a Bool is true and of another where it is false; all three broadcast.</summary>
    public static Tensor Where(Tensor condition, Tensor whenTrue, Tensor whenFalse) => condition.DType == DType.Bool
        ? Pointwise.Apply("Where", a => Fn.Select(a[0], a[1], a[2]), condition, whenTrue, whenFalse)
        : throw new GraphException($"Where takes a bool condition, not {condition.Type}: compare it with something");

    public static Tensor Where(Tensor condition, Tensor whenTrue, double whenFalse) => Where(condition, whenTrue, whenTrue.Like(whenFalse));

    public static Tensor Where(Tensor condition, double whenTrue, Tensor whenFalse) => Where(condition, whenFalse.Like(whenTrue), whenFalse);

    private static Tensor Logical(Tensor tensor) => tensor.DType is DType.Bool or DType.Int32 or DType.Int64 ? tensor
        : throw new GraphException($"&, | and ^ are of bool, int32 and int64 tensors, not of {tensor.Type}");
}
