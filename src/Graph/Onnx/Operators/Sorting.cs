using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Order without a kernel that sorts: each element's rank is the number of those before it.</summary>
internal static class Sorting
{
    /// <summary>The first k along an axis in descending (or ascending) order, equal ones in theirs; values, and Int32 indices along the axis.</summary>
    public static (Tensor Values, Tensor Indices) Top(Tensor x, int axis, long k, bool largest)
    {
        int length = checked((int)x.Shape[axis]), rank = x.Shape.Rank;
        int[] last = [.. Enumerable.Range(0, rank).Where(a => a != axis), axis];
        var rows = x.Transpose(last);
        var shape = rows.Shape.With(rank - 1, k);
        if (length == 0 || k == 0)
            return (Fill.Create(x.DType, x.Shape.With(axis, k), 0), Fill.Create(DType.Int32, x.Shape.With(axis, k), 0));
        Tensor one = rows.Reshape(rows.Shape.Append(1)), other = rows.Reshape(rows.Shape.With(rank - 1, 1).Append(length));
        var numbers = Composites.Iota(length);
        // [.., i, j]: whether j comes before i.
        var before = Pointwise.Apply("ComesBefore", a => Fn.Select(
            (largest ? a[1] > a[0] : a[1] < a[0]) | (Fn.Equal(a[1], a[0]) & (a[3] < a[2])), Scalar.Literal(1, DType.Int32), 0),
            one, other, numbers.Reshape(Shape.Of(length, 1)), numbers);
        var ranks = before.Sum(-1);
        // [.., r, i]: the element of rank r is the one that hits.
        var indices = Pointwise.Apply("HasRank", a => Fn.Select(Fn.Equal(a[0], a[1]), a[2], 0),
            ranks.Reshape(ranks.Shape.With(rank - 1, 1).Append(length)), Composites.Iota((int)k).Reshape(Shape.Of(k, 1)), numbers).Sum(-1);
        var values = Indexing.TakeAlongLast(rows, indices);
        int[] back = [.. Enumerable.Range(0, rank).Select(a => Array.IndexOf(last, a))];
        return (values.Transpose(back), indices.Reshape(shape).Transpose(back));
    }
}
