using System.Collections;

namespace Singa.Actors.Graph;

/// <summary>Dimensions, outermost first; the empty shape is a scalar. Two shapes are equal when their dimensions are.</summary>
public sealed class Shape : IEquatable<Shape>, IReadOnlyList<long>
{
    public static readonly Shape Scalar = new([]);

    private readonly long[] dims;

    private Shape(long[] dims) => this.dims = dims;

    /// <exception cref="ArgumentException">A dimension is negative, or the elements do not fit in 63 bits.</exception>
    public static Shape Of(params ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (var dim in dims)
        {
            if (dim < 0)
                throw new ArgumentException($"a dimension cannot be negative: {dim}");
            count = checked(count * dim);
        }

        return dims.IsEmpty ? Scalar : new Shape(dims.ToArray());
    }

    public int Rank => dims.Length;

    int IReadOnlyCollection<long>.Count => dims.Length;

    /// <summary>A dimension by its index; <c>^1</c> is the innermost.</summary>
    public long this[int axis] => dims[axis];

    public long this[Index axis] => dims[axis];

    /// <summary>Number of elements.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (var dim in dims)
                count *= dim;
            return count;
        }
    }

    public ReadOnlySpan<long> Dims => dims;

    public Shape Slice(int start, int length) => Of(dims.AsSpan(start, length));

    public Shape Prepend(long dim) => Of([dim, .. dims]);

    public Shape Append(long dim) => Of([.. dims, dim]);

    public Shape Concat(Shape inner) => Of([.. dims, .. inner.dims]);

    public Shape With(int axis, long dim)
    {
        var copy = (long[])dims.Clone();
        copy[axis] = dim;
        return Of(copy);
    }

    public Shape RemoveAt(int axis) => Of([.. dims[..axis], .. dims[(axis + 1)..]]);

    /// <summary>Strides, in elements, of a contiguous tensor of this shape.</summary>
    public long[] ContiguousStrides()
    {
        var strides = new long[dims.Length];
        long stride = 1;
        for (int axis = dims.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= dims[axis];
        }

        return strides;
    }

    /// <summary>The shape that both stretch to: aligned on the right, a 1 stretches to the other's dimension.</summary>
    /// <exception cref="ArgumentException">Two dimensions differ and neither is 1.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        var result = new long[rank];
        for (int i = 1; i <= rank; i++)
        {
            long x = i <= a.Rank ? a.dims[^i] : 1, y = i <= b.Rank ? b.dims[^i] : 1;
            if (x != y && x != 1 && y != 1)
                throw new ArgumentException($"shapes {a} and {b} do not broadcast: {x} against {y}");
            result[^i] = x == 1 ? y : x;
        }

        return Of(result);
    }

    /// <summary>Whether a tensor of this shape stretches to <paramref name="target"/>.</summary>
    public bool BroadcastsTo(Shape target)
    {
        if (Rank > target.Rank)
            return false;
        for (int i = 1; i <= Rank; i++)
        {
            if (dims[^i] != target.dims[^i] && dims[^i] != 1)
                return false;
        }

        return true;
    }

    public bool Equals(Shape? other) => other is not null && dims.AsSpan().SequenceEqual(other.dims);

    public override bool Equals(object? obj) => Equals(obj as Shape);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var dim in dims)
            hash.Add(dim);
        return hash.ToHashCode();
    }

    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)dims).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => dims.GetEnumerator();

    /// <summary>As in <c>[64, 1, 28, 28]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", dims)}]";

    public static bool operator ==(Shape? a, Shape? b) => a is null ? b is null : a.Equals(b);

    public static bool operator !=(Shape? a, Shape? b) => !(a == b);
}
