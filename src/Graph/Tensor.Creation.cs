using System.Numerics;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph;

/// <summary>Tensors from numbers at hand. <c>From</c> copies them; what is changed afterwards does not reach the tensor.</summary>
public sealed partial class Tensor
{
    /// <summary>A scalar, of shape [].</summary>
    public static Tensor From<T>(T value) where T : unmanaged => From([value], Shape.Scalar);

    /// <summary>[values].</summary>
    public static Tensor From<T>(T[] values) where T : unmanaged => From<T>(values, Shape.Of(values.Length));

    /// <summary>[values].</summary>
    public static Tensor From<T>(ReadOnlySpan<T> values) where T : unmanaged => From(values, Shape.Of(values.Length));

    /// <summary>The values row by row in a shape.</summary>
    /// <exception cref="GraphException">There are more or fewer values than the shape has elements.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> values, Shape shape) where T : unmanaged =>
        values.Length == shape.Count ? Source.Create(TypeOf<T>(shape), HostValues.Copy(values))
        : throw new GraphException($"{values.Length} values do not fill a tensor of shape {shape}");

    /// <summary>An array of any rank, or an array of arrays that are equally long.</summary>
    /// <exception cref="GraphException">Rows differ in length, or the elements are of no type that a tensor has.</exception>
    public static Tensor From(Array values) => ArrayReader.Read(values);

    /// <summary>The values of pieces of memory, one after the other and row by row: tensors of any size. They are copied.</summary>
    public static Tensor From<T>(Shape shape, params IEnumerable<ReadOnlyMemory<T>> pieces) where T : unmanaged =>
        Source.Create(TypeOf<T>(shape), HostValues.Copy(pieces));

    /// <summary>As <c>From</c>, without a copy: whoever calls gives the array away and does not write to it any more.</summary>
    public static Tensor Wrap<T>(T[] values, Shape shape) where T : unmanaged => Wrap<T>(shape, values.AsMemory());

    /// <summary>As <c>From</c>, without a copy: whoever calls gives the memory away and does not write to it any more.</summary>
    public static Tensor Wrap<T>(Shape shape, params IEnumerable<ReadOnlyMemory<T>> pieces) where T : unmanaged =>
        Source.Create(TypeOf<T>(shape), new HostValues<T>([.. pieces]));

    public static Tensor Zeros(params ReadOnlySpan<long> dims) => Full(Shape.Of(dims), 0);

    public static Tensor Zeros(Shape shape, DType type) => Full(shape, 0, type);

    public static Tensor Ones(params ReadOnlySpan<long> dims) => Full(Shape.Of(dims), 1);

    public static Tensor Ones(Shape shape, DType type) => Full(shape, 1, type);

    /// <summary>One value everywhere.</summary>
    /// <exception cref="GraphException">The type does not hold the value.</exception>
    public static Tensor Full(Shape shape, double value, DType type = DType.Float32) => type.Holds(value) ? Fill.Create(type, shape, value)
        : throw new GraphException(FormattableString.Invariant($"{value} is no {type.ToString().ToLowerInvariant()}: convert the tensor first"));

    /// <summary>0, 1, 2, … below <paramref name="end"/>, in its type.</summary>
    public static Tensor Arange<T>(T end) where T : unmanaged, INumber<T> => Arange(T.Zero, end, T.One);

    /// <summary>start, start + 1, … below <paramref name="end"/>.</summary>
    public static Tensor Arange<T>(T start, T end) where T : unmanaged, INumber<T> => Arange(start, end, T.One);

    /// <summary>start + i · step up to, not including, <paramref name="end"/>; a negative step goes down.</summary>
    public static Tensor Arange<T>(T start, T end, T step) where T : unmanaged, INumber<T>
    {
        double count = Math.Ceiling((double.CreateChecked(end) - double.CreateChecked(start)) / double.CreateChecked(step));
        if (!(count <= Array.MaxLength))
            throw new GraphException(FormattableString.Invariant($"numbers from {start} to {end} in steps of {step}: that is {count} of them"));
        var values = new T[(long)Math.Max(0, count)];
        for (int i = 0; i < values.Length; i++)
            values[i] = start + T.CreateChecked(i) * step;
        return Wrap(values, Shape.Of(values.Length));
    }

    /// <summary><paramref name="count"/> numbers from start to end, both among them.</summary>
    public static Tensor LinSpace(double start, double end, int count, DType type = DType.Float32)
    {
        if (count < 2)
            throw new GraphException($"evenly spaced numbers with both ends are at least 2, not {count}");
        double[] values = [.. Enumerable.Range(0, count).Select(i => i == count - 1 ? end : start + i * ((end - start) / (count - 1)))];
        return Wrap(values, Shape.Of(count)).Convert(type);
    }

    /// <summary>[rows, columns] with ones on the diagonal; square unless said.</summary>
    public static Tensor Eye(int rows, int? columns = null, DType type = DType.Float32) => Pointwise.Apply("Eye",
        a => Fn.Select(Fn.Equal(a[0], a[1]), Scalar.Literal(1, type), 0), Arange(rows).Unsqueeze(1), Arange(columns ?? rows));

    /// <summary>A scalar of this tensor's type.</summary>
    internal Tensor Like(double value) => Full(Shape.Scalar, value, DType);

    private static TensorType TypeOf<T>(Shape shape) where T : unmanaged => new(DTypes.Of<T>(), shape);
}
