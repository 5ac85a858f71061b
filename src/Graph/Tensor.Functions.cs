using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph;

/// <summary>Arithmetic, reductions and movement: each makes a node, nothing is computed.</summary>
public sealed partial class Tensor
{
    public static Tensor operator +(Tensor a, Tensor b) => Pointwise.Apply("Add", a, b);

    public static Tensor operator -(Tensor a, Tensor b) => Pointwise.Apply("Subtract", a, b);

    public static Tensor operator *(Tensor a, Tensor b) => Pointwise.Apply("Multiply", a, b);

    public static Tensor operator /(Tensor a, Tensor b) => Pointwise.Apply("Divide", a, b);

    public static Tensor operator -(Tensor a) => Pointwise.Apply("Negate", a);

    public static Tensor operator +(Tensor a, double b) => a + a.Like(b);

    public static Tensor operator -(Tensor a, double b) => a - a.Like(b);

    public static Tensor operator *(Tensor a, double b) => a * a.Like(b);

    public static Tensor operator *(double a, Tensor b) => b.Like(a) * b;

    public static Tensor operator /(Tensor a, double b) => a / a.Like(b);

    public Tensor Exp() => Pointwise.Apply("Exp", this);

    public Tensor Log() => Pointwise.Apply("Log", this);

    public Tensor Cos() => Pointwise.Apply("Cos", this);

    public Tensor Sqrt() => Pointwise.Apply("Sqrt", this);

    public Tensor Sum(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Sum, this, axes);

    public Tensor Max(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Maximum, this, axes);

    public Tensor Min(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Minimum, this, axes);

    public Tensor SumAll() => Sum([.. Enumerable.Range(0, Shape.Rank)]);

    /// <summary>[…, m, k] times [k, n] or […, k, n].</summary>
    public Tensor MatMul(Tensor right)
    {
        if (Shape.Rank < 2 || right.Shape.Rank < 2 || (right.Shape.Rank > 2 && right.Shape.Rank != Shape.Rank))
            throw new GraphException($"a matrix product of {Shape} and {right.Shape}");
        int batch = right.Shape.Rank > 2 ? Shape.Rank - 2 : 0;
        Seq<int> axes = [.. Enumerable.Range(0, batch)];
        return new Node(new Contract(axes, axes, [Shape.Rank - 1], [right.Shape.Rank - 2]), [this, right]).Output;
    }

    public Tensor Reshape(Shape shape) => shape == Shape ? this : new Node(new Reshape(shape), [this]).Output;

    public Tensor Transpose(params ReadOnlySpan<int> order) => new Node(new Transpose(Seq.Create(order)), [this]).Output;

    public Tensor BroadcastTo(Shape shape) => shape == Shape ? this : new Node(new BroadcastTo(shape), [this]).Output;

    public Tensor Slice(Seq<long> start, Seq<long> length, Seq<long> step) => new Node(new Slice(start, length, step), [this]).Output;

    public Tensor Pad(Seq<long> before, Seq<long> after, Seq<long> between) => new Node(new Pad(before, after, between), [this]).Output;

    /// <summary>Sums what broadcasting stretched, back to <paramref name="shape"/>: the gradient of a broadcast.</summary>
    public Tensor SumTo(Shape shape)
    {
        if (shape == Shape)
            return this;
        int added = Shape.Rank - shape.Rank;
        var axes = Enumerable.Range(0, Shape.Rank).Where(a => a < added || (shape[a - added] == 1 && Shape[a] != 1)).ToArray();
        return Sum(axes).Reshape(shape);
    }

    /// <summary>A scalar of this tensor's type.</summary>
    internal Tensor Like(double value) => Fill.Create(DType, Shape.Scalar, value);
}
