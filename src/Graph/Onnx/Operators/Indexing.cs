using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Elements by numbers that are themselves tensors.</summary>
internal static class Indexing
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Gather", 1, Gathered),
        new("GatherElements", 11, c => c.Moved(GatherElements(c.X(0), c.X(1), OnnxCall.Axis(c.Int("axis", 0), c.X().Shape.Rank)))),
        new("GatherND", 11, c => c.Moved(GatherNd(c.X(0), c.X(1), (int)c.Int("batch_dims", 0)))),
        new("Scatter", 9, ScatterElements),
        new("ScatterElements", 11, ScatterElements),
        new("ScatterND", 11, ScatterNd),
        new("OneHot", 9, OneHot),
        new("NonZero", 9, NonZero),
        new("Compress", 9, Compressed),
        new("Unique", 11, Unique),
    ];

    /// <summary>Int32 indices within 0 … length − 1, from ones that may count from the end.</summary>
    internal static Tensor Whole(Tensor indices, long length) =>
        Pointwise.Apply("Index", a => Fn.Convert(Fn.Select(a[0] < 0, a[0] + (double)length, a[0]), DType.Int32), indices);

    private static OnnxValue Gathered(OnnxCall c)
    {
        if (c.Value(0) is HostTexts texts)
            return TextOperators.Gather(c, texts);
        int axis = OnnxCall.Axis(c.Int("axis", 0), c.X().Shape.Rank);
        return c.Moved(c.X().Gather(Whole(c.X(1), c.X().Shape[axis]), axis));
    }

    /// <summary>[…, n] by Int32 […, k] → […, k]; leading dimensions are equal.</summary>
    internal static Tensor TakeAlongLast(Tensor x, Tensor indices) => GatherElements(x, indices, x.Shape.Rank - 1);

    internal static Tensor GatherElements(Tensor x, Tensor indices, int axis)
    {
        if (indices.Shape.Rank != x.Shape.Rank)
            throw new OnnxException($"indices {indices.Shape} for {x.Shape}");
        var flat = Flat(x.Shape, indices, axis);
        return Ops.Gather.Apply(x.Reshape(Shape.Of(x.Shape.Count)), flat);
    }

    /// <summary>For each index along an axis the number of its element in the whole tensor, Int32.</summary>
    private static Tensor Flat(Shape shape, Tensor indices, int axis)
    {
        if (shape.Count > int.MaxValue)
            throw new OnnxUnsupportedException($"a tensor of {shape} has more elements than indices reach");
        var strides = shape.ContiguousStrides();
        var flat = Whole(indices, shape[axis]) * strides[axis];
        for (int other = 0; other < shape.Rank; other++)
        {
            if (other != axis && indices.Shape[other] > 1)
                flat += Movement.Along(Composites.Iota(checked((int)indices.Shape[other])), other, shape.Rank) * strides[other];
        }

        return flat;
    }

    /// <summary>Rows by tuples [.., k] that say the first k axes after the batch ones: their numbers as if those axes were one.</summary>
    private static Tensor RowNumbers(Shape shape, Tensor tuples, int batch)
    {
        int k = Tables.Pieces(tuples.Shape[^1]), last = tuples.Shape.Rank - 1;
        if (batch + k > shape.Rank)
            throw new OnnxException($"tuples of {k} for the axes of {shape}");
        var parts = tuples.Split(last, [.. Enumerable.Repeat(1L, k)]);
        var outer = tuples.Shape.RemoveAt(last);
        Tensor? number = null;
        for (int i = 0; i < k; i++)
        {
            var part = Whole(parts[i].Reshape(outer), shape[batch + i]);
            number = number is null ? part : number * shape[batch + i] + part;
        }

        number ??= Fill.Create(DType.Int32, outer, 0);
        if (batch == 0)
            return number;
        // Tuples of each batch choose among its own rows.
        long rows = shape.Skip(batch).Take(k).Aggregate(1L, (n, d) => n * d), batches = shape.Take(batch).Aggregate(1L, (n, d) => n * d);
        var first = (Composites.Iota(checked((int)batches)) * rows).Reshape(Shape.Of([.. shape.Take(batch), .. Enumerable.Repeat(1L, outer.Rank - batch)]));
        return number + first;
    }

    private static Tensor GatherNd(Tensor x, Tensor tuples, int batch)
    {
        if (tuples.Shape.Rank == 0)
            throw new OnnxException("tuples have at least one axis");
        int k = checked((int)tuples.Shape[^1]);
        var numbers = RowNumbers(x.Shape, tuples, batch);
        var rows = x.Reshape(Shape.Of([x.Shape.Take(batch + k).Aggregate(1L, (n, d) => n * d), .. x.Shape.Skip(batch + k)]));
        return Ops.Gather.Apply(rows, numbers);
    }

    private static OnnxValue ScatterElements(OnnxCall c)
    {
        var (x, updates) = (c.X(0), c.X(2));
        int axis = OnnxCall.Axis(c.Int("axis", 0), x.Shape.Rank);
        if (c.X(1).Shape != updates.Shape)
            throw new OnnxException($"indices {c.X(1).Shape} and updates {updates.Shape} differ");
        var flat = Flat(x.Shape, c.X(1), axis).BroadcastTo(updates.Shape);
        return c.Out(Scatter(x.Reshape(Shape.Of(x.Shape.Count, 1)), flat.Reshape(Shape.Of(flat.Shape.Count)), updates.Reshape(Shape.Of(updates.Shape.Count, 1)), c.Text("reduction", "none")).Reshape(x.Shape));
    }

    private static OnnxValue ScatterNd(OnnxCall c)
    {
        var (x, tuples, updates) = (c.X(0), c.X(1), c.X(2));
        int k = checked((int)tuples.Shape[^1]);
        var numbers = RowNumbers(x.Shape, tuples, 0);
        long rows = x.Shape.Take(k).Aggregate(1L, (n, d) => n * d), width = x.Shape.Skip(k).Aggregate(1L, (n, d) => n * d), count = numbers.Shape.Count;
        return c.Out(Scatter(x.Reshape(Shape.Of(rows, width)), numbers.Reshape(Shape.Of(count)), updates.Reshape(Shape.Of(count, width)), c.Text("reduction", "none")).Reshape(x.Shape));
    }

    /// <summary>
    /// Table [r, w] with updates [n, w] in rows [n]. Sums are scattered by the kernel; other reductions, and assignments of which the last counts,
    /// look at each pair of row and update.
    /// </summary>
    internal static Tensor Scatter(Tensor table, Tensor rows, Tensor updates, string reduction)
    {
        if (updates.Shape.Count == 0)
            return table;
        if (reduction == "add" && table.DType.IsFloat())
            return table + ScatterAdd.Apply(rows, updates, table.Shape[0]);
        int count = Tables.Length(rows.Shape[0]);
        // [r, n]: whether update n is for row r.
        var hits = Pointwise.Apply("Hits", a => Fn.Equal(a[0], a[1]), Composites.Iota(checked((int)table.Shape[0])).Reshape(Shape.Of(table.Shape[0], 1)), rows);
        if (reduction == "none")
        {
            var last = Pointwise.Apply("LastHit", a => Fn.Select(a[0], a[1], -1), hits, Composites.Iota(count)).Max(1);
            return Pointwise.Apply("Assign", a => Fn.Select(a[0] < 0, a[1], a[2]), last.Reshape(Shape.Of(table.Shape[0], 1)), table, Ops.Gather.Apply(updates, last));
        }

        var result = table;
        if (reduction is "add" or "mul")
        {
            // One after the other: there are few.
            for (int i = 0; i < Tables.Pieces(count); i++)
            {
                Tensor hit = hits.Slice([0, i], [table.Shape[0], 1], [1, 1]), row = updates.Slice([i, 0], [1, updates.Shape[1]], [1, 1]);
                result = Pointwise.Apply("Scatter", a => Fn.Select(a[0], reduction == "add" ? a[1] + a[2] : a[1] * a[2], a[1]), hit, result, row);
            }

            return result;
        }

        bool largest = reduction == "max" ? true : reduction == "min" ? false : throw new OnnxException($"there is no reduction '{reduction}'");
        var spread = Pointwise.Apply("Hit", a => Fn.Select(a[0], a[1], a[2]), hits.Reshape(hits.Shape.Append(1)), updates, table.Reshape(Shape.Of(table.Shape[0], 1, table.Shape[1])));
        return Pointwise.Apply(largest ? "Maximum.ONNX" : "Minimum.ONNX", a => largest ? Fn.Max(a[0], a[1]) : Fn.Min(a[0], a[1]), table, largest ? spread.Max(1) : spread.Min(1));
    }

    private static OnnxValue OneHot(OnnxCall c)
    {
        var indices = c.X(0);
        long depth = (long)c.Floats(1)[0];
        int axis = OnnxCall.Axis(c.Int("axis", -1), indices.Shape.Rank + 1);
        var numbers = Pointwise.Apply("Index", a => Fn.Select(a[0] < 0, a[0] + (double)depth, a[0]), indices.Convert(DType.Int64));
        var apart = numbers.Reshape(Shape.Of([.. indices.Shape.Take(axis), 1, .. indices.Shape.Skip(axis)]));
        var places = Movement.Along(Composites.Iota(Tables.Length(depth)), axis, indices.Shape.Rank + 1).Convert(DType.Int64);
        var values = c.X(2).Split(0, 1, 1);
        return c.Moved(Pointwise.Apply("OneHot", a => Fn.Select(Fn.Equal(a[0], a[1]), a[3], a[2]), apart, places, values[0].Reshape(Shape.Scalar), values[1].Reshape(Shape.Scalar)), 2);
    }

    private static OnnxValue NonZero(OnnxCall c)
    {
        var x = c.Known(0);
        var numbers = OnnxCall.Floats(x).Select((v, i) => (v, i)).Where(p => p.v != 0).Select(p => (long)p.i).ToArray();
        var strides = x.Shape.ContiguousStrides();
        long[] places = [.. Enumerable.Range(0, x.Shape.Rank).SelectMany(axis => numbers.Select(n => n / strides[axis] % x.Shape[axis]))];
        return OnnxCall.Longs(Shape.Of(x.Shape.Rank, numbers.Length), places);
    }

    private static OnnxValue Compressed(OnnxCall c)
    {
        var x = c.X();
        int[] chosen = [.. c.Integers(1).Select((v, i) => (v, i)).Where(p => p.v != 0).Select(p => p.i)];
        var numbers = Constant.Create<int>(chosen, Shape.Of(chosen.Length));
        return c.Moved(c.HasAttribute("axis") ? x.Gather(numbers, OnnxCall.Axis(c.Int("axis"), x.Shape.Rank)) : Ops.Gather.Apply(x.Reshape(Shape.Of(x.Shape.Count)), numbers));
    }

    private static ImmutableArray<OnnxValue?> Unique(OnnxCall c)
    {
        var x = c.Known(0);
        int? axis = c.HasAttribute("axis") ? OnnxCall.Axis(c.Int("axis"), x.Shape.Rank) : null;
        var tensor = c.X();
        var rows = axis is { } a ? tensor.Transpose([a, .. Enumerable.Range(0, x.Shape.Rank).Where(o => o != a)]) : tensor.Reshape(Shape.Of(x.Shape.Count));
        var values = OnnxCall.Floats(axis is null ? x : c.KnownOf(new GraphTensor(x.Element, rows)));
        int count = (int)rows.Shape[0], width = count == 0 ? 0 : values.Length / count;
        // Groups of equal rows in the order of their first.
        var groups = Enumerable.Range(0, count).GroupBy(i => new Seq<double>([.. values.AsSpan(i * width, width)])).Select(g => g.ToArray()).ToList();
        if (c.Flag("sorted", true))
            groups.Sort((p, q) => values.AsSpan(p[0] * width, width).SequenceCompareTo(values.AsSpan(q[0] * width, width)));
        int[] first = [.. groups.Select(g => g[0])];
        var inverse = new long[count];
        for (int g = 0; g < groups.Count; g++)
        {
            foreach (int i in groups[g])
                inverse[i] = g;
        }

        var picked = Ops.Gather.Apply(rows, Constant.Create<int>(first, Shape.Of(first.Length)));
        int[] back = axis is { } b ? [.. Enumerable.Range(0, x.Shape.Rank).Select(o => o == b ? 0 : o < b ? o + 1 : o)] : [0];
        return
        [
            c.Moved(picked.Transpose(back)),
            OnnxCall.Longs(Shape.Of(first.Length), [.. first.Select(i => (long)i)]),
            OnnxCall.Longs(Shape.Of(count), inverse),
            OnnxCall.Longs(Shape.Of(first.Length), [.. groups.Select(g => (long)g.Length)]),
        ];
    }
}
