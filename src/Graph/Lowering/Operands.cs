using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>Views: the same memory read in another shape.</summary>
internal static class Operands
{
    public static Operand Broadcast(Operand source, Shape target)
    {
        int added = target.Rank - source.Shape.Rank;
        return source with
        {
            Shape = target,
            Strides = [.. target.Select((dim, axis) => axis < added || (source.Shape[axis - added] == 1 && dim != 1) ? 0 : source.Strides[axis - added])],
        };
    }

    public static Operand Transpose(Operand source, Seq<int> order) => source with
    {
        Shape = Shape.Of([.. order.Select(a => source.Shape[a])]),
        Strides = [.. order.Select(a => source.Strides[a])],
    };

    public static Operand Slice(Operand source, Seq<long> start, Seq<long> length, Seq<long> step) => source with
    {
        Shape = Shape.Of([.. length]),
        Strides = [.. source.Strides.Select((stride, a) => stride * step[a])],
        Offset = source.Offset + source.Strides.Select((stride, a) => stride * start[a]).Sum(),
    };

    /// <summary>Whether two views are the same elements in the same places; along a dimension of 1 nobody moves.</summary>
    public static bool AreSame(Operand a, Operand b) => a.Block == b.Block && a.DType == b.DType && a.Offset == b.Offset && a.Shape == b.Shape
        && Enumerable.Range(0, a.Shape.Rank).All(axis => a.Shape[axis] == 1 || a.Strides[axis] == b.Strides[axis]);

    /// <summary>Element <paramref name="index"/> of the outermost axis.</summary>
    public static Operand Row(Operand source, long index) => source with
    {
        Shape = source.Shape.RemoveAt(0),
        Strides = source.Strides.RemoveAt(0),
        Offset = source.Offset + index * source.Strides[0],
    };

    /// <summary>The view in another shape of as many elements, or null where only a copy can have it.</summary>
    public static Operand? Reshape(Operand source, Shape target)
    {
        if (source.IsContiguous)
            return source with { Shape = target, Strides = [.. target.ContiguousStrides()] };

        // Both shapes are cut into the shortest groups of axes with equal products; each group of the source must have one stride.
        var strides = new long[target.Rank];
        int from = 0, to = 0;
        while (from < source.Shape.Rank || to < target.Rank)
        {
            int firstFrom = from, firstTo = to;
            long have = from < source.Shape.Rank ? source.Shape[from++] : 1, want = to < target.Rank ? target[to++] : 1;
            while (have != want)
            {
                if (have < want)
                    have *= source.Shape[from++];
                else
                    want *= target[to++];
            }

            if (Collapse(source, [.. Enumerable.Range(firstFrom, from - firstFrom)]) is not { } group)
                return null;
            long stride = group.Stride;
            for (int axis = to - 1; axis >= firstTo; axis--)
            {
                strides[axis] = stride;
                stride *= target[axis];
            }
        }

        return source with { Shape = target, Strides = [.. strides] };
    }

    /// <summary>The view [batch…, rows, columns] where each group of axes is walked with one stride, or null.</summary>
    public static Operand? Group(Operand source, ImmutableArray<int> batch, ImmutableArray<int> rows, ImmutableArray<int> columns) =>
        Collapse(source, rows) is { } m && Collapse(source, columns) is { } n
            ? source with
            {
                Shape = Shape.Of([.. batch.Select(a => source.Shape[a]), m.Count, n.Count]),
                Strides = [.. batch.Select(a => source.Strides[a]), m.Stride, n.Stride],
            }
            : null;

    private static (long Count, long Stride)? Collapse(Operand source, ImmutableArray<int> axes)
    {
        long count = 1, stride = 0, next = 0;
        for (int i = axes.Length - 1; i >= 0; i--)
        {
            long dim = source.Shape[axes[i]], step = source.Strides[axes[i]];
            if (dim == 1)
                continue;
            if (count == 1)
                stride = step;
            else if (step != next)
                return null;
            count *= dim;
            next = step * dim;
        }

        return (count, count == 1 ? 1 : stride);
    }
}
