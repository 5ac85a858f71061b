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

    public static Tensor operator +(double a, Tensor b) => b.Like(a) + b;

    public static Tensor operator -(double a, Tensor b) => b.Like(a) - b;

    public static Tensor operator /(double a, Tensor b) => b.Like(a) / b;

    public Tensor Sum(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Sum, this, axes);

    public Tensor Max(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Maximum, this, axes);

    public Tensor Min(params ReadOnlySpan<int> axes) => Reduce.Apply(Reduction.Minimum, this, axes);

    public Tensor SumAll() => Sum(AllAxes);

    public Tensor Reshape(Shape shape) => shape == Shape ? this : new Node(new Reshape(shape), [this]).Output;

    /// <summary>Axis i of the result is axis order[i].</summary>
    public Tensor Transpose(params ReadOnlySpan<int> order) => new Node(new Transpose([.. order.ToArray().Select(a => a < 0 ? a + Shape.Rank : a)]), [this]).Output;

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
}
