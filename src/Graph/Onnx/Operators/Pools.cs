using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Pooling of any number of dimensions: by the two-dimensional kernels where these can, else tap by tap.</summary>
internal static class Pools
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("MaxPool", 1, Max) { Write = WriteMax },
        new("AveragePool", 1, c => c.Out(Average(c))),
        new("LpPool", 1, c => c.Out(Norm(c))),
        new("MaxUnpool", 9, c => c.Moved(Unpooled(c))),
        new("GlobalMaxPool", 1, c => c.Out(Global(c.X(), (x, axes) => x.Max(axes)))),
        new("GlobalAveragePool", 1, c => c.Out(Global(c.X(), (x, axes) => x.Mean(axes))))
        {
            // A reshape of a product with the sum.
            Write = (node, context) => node.Op is Reshape && CompositeForm.Behind(node, 0, 0)?.Producer.Op is Reduce && CompositeForm.Behind(node, 0, 0, 0) is { Shape.Rank: >= 3, DType: var type } x && type.IsFloat()
                ? CompositeForm.Of(node, x, t => Global(t, (y, axes) => y.Mean(axes)), context, new Written("GlobalAveragePool", x)) : null,
            Joins = true,
        },
        new("GlobalLpPool", 2, c => c.Out(Global(c.X(), (x, axes) => Root(Powers(x, c.Int("p", 2)).Sum(axes), c.Int("p", 2))))),
    ];

    private delegate Tensor Reducer(Tensor x, int[] axes);

    private static Tensor Global(Tensor x, Reducer reduce)
    {
        if (x.Shape.Rank < 3)
            throw new OnnxException($"there is nothing to pool in {x.Shape}");
        int[] axes = [.. Enumerable.Range(2, x.Shape.Rank - 2)];
        return reduce(x, axes).Reshape(Shape.Of([x.Shape[0], x.Shape[1], .. axes.Select(_ => 1L)]));
    }

    private static WindowAttributes Window(OnnxCall c)
    {
        var x = c.X();
        if (x.Shape.Rank < 3)
            throw new OnnxException($"there is nothing to pool in {x.Shape}");
        return WindowAttributes.Of(c, x.Shape.Dims[2..], []);
    }

    private static Written? WriteMax(Node node, WriteContext context)
    {
        if (node.Op is not MaxPool op)
            return null;
        var (window, image) = (op.Window, node.Inputs[0].Shape);
        return new Written("MaxPool", node.Inputs[0]).With(
            Attributes.Ints("kernel_shape", window.KernelHeight, window.KernelWidth), Attributes.Ints("strides", window.StrideHeight, window.StrideWidth),
            Attributes.Ints("pads", window.PadTop, window.PadLeft, WindowAttributes.Behind(op.Height, window.StrideHeight, window.KernelHeight, image[2], window.PadTop),
                WindowAttributes.Behind(op.Width, window.StrideWidth, window.KernelWidth, image[3], window.PadLeft)));
    }

    private static ImmutableArray<OnnxValue?> Max(OnnxCall c)
    {
        var (x, window) = (c.X(), Window(c));
        var sizes = Sizes(window, x);
        if (!c.Wants(1) && x.DType.IsFloat() && window.Rank <= 2 && window.Axes.All(a => a.Dilation == 1 && a.Before >= 0 && a.Before < a.Kernel))
            return [c.Moved(ByKernel(x, window, sizes, (image, form, height, width) => new Node(new MaxPool(form, height, width), [image]).Output))];
        var least = Fill.Create(x.DType, Shape.Scalar, x.DType.IsFloat() ? double.NegativeInfinity : c.Element().Range().Low);
        Tensor? best = null, where = null;
        // Each tap has a list of places along every dimension.
        Tables.Length(checked(window.Axes.Aggregate(1L, (n, k) => n * k.Kernel) * (x.Shape[0] + x.Shape[1] + sizes.Sum())));
        foreach (var (tap, offset) in Taps(x, window, sizes, least))
        {
            var place = c.Wants(1) ? Place(x.Shape, window, sizes, offset, c.Int("storage_order", 0) == 1) : null;
            if (best is null)
            {
                (best, where) = (tap, place);
                continue;
            }

            if (place is not null)
                where = Pointwise.Apply("BestPlace", a => Fn.Select(a[0] > a[1], a[2], a[3]), tap, best, place, where!);
            best = Pointwise.Apply("Maximum.ONNX", a => Fn.Max(a[0], a[1]), best, tap);
        }

        return [c.Moved(best!), where is null ? null : new GraphTensor(ElementType.Int64, where.BroadcastTo(best!.Shape))];
    }

    /// <summary>Each value where its number in the whole result says, zeros elsewhere.</summary>
    private static Tensor Unpooled(OnnxCall c)
    {
        var x = c.X();
        int rank = x.Shape.Rank - 2;
        long[] One() => [.. Enumerable.Repeat(1L, rank)];
        long[] kernel = c.RequiredInts("kernel_shape"), strides = c.Ints("strides") ?? One();
        long[] pads = c.Ints("pads") ?? new long[2 * rank];
        var plain = Shape.Of([.. x.Shape.Take(2), .. Enumerable.Range(0, rank).Select(i => (x.Shape[2 + i] - 1) * strides[i] + kernel[i] - pads[i] - pads[rank + i])]);
        var places = c.X(1).Convert(DType.Int32);
        var filled = Indexing.Scatter(Fill.Create(x.DType, Shape.Of(plain.Count, 1), 0), places.Reshape(Shape.Of(places.Shape.Count)), x.Reshape(Shape.Of(x.Shape.Count, 1)), "none").Reshape(plain);
        if (!c.Has(2))
            return filled;
        // Where a larger shape is asked for, numbers still count in the plain one.
        var target = Shape.Of(c.Integers(2));
        long[] none = new long[target.Rank];
        return Padding.WithValue(filled, none, [.. target.Select((d, a) => d - plain[a])], x.Like(0));
    }

    private static Tensor Average(OnnxCall c)
    {
        var (x, window) = (c.X(), Window(c));
        var sizes = Sizes(window, x);
        bool countPadding = c.Flag("count_include_pad");
        var sums = Sums(x, window, sizes);
        // How many elements each window has, along each dimension by itself.
        Tensor? counts = null;
        for (int i = 0; i < window.Rank; i++)
        {
            var axis = window.Axes[i];
            long size = x.Shape[2 + i];
            // Places below 0, and below the end: what lies between is within.
            double[] within = [.. Enumerable.Range(0, Tables.Length(sizes[i])).Select(w =>
            {
                long start = w * axis.Stride - axis.Before;
                long Below(long end) => Math.Clamp((end - start + axis.Dilation - 1) / axis.Dilation, 0, axis.Kernel);
                return (double)(countPadding ? Below(size + axis.After) : Below(size) - Below(0));
            })];
            var along = Movement.Along(Constant.Create<double>(within, Shape.Of(within.Length)), 2 + i, x.Shape.Rank);
            counts = counts is null ? along : counts * along;
        }

        return sums / counts!.Convert(sums.DType);
    }

    private static Tensor Sums(Tensor x, WindowAttributes window, long[] sizes)
    {
        if (window.Rank <= 2 && window.Axes.All(a => a.Dilation == 1 && a.Before >= 0))
            return ByKernel(x, window, sizes, (image, form, height, width) => new Node(new SumPool(form, false, height, width), [image]).Output);
        return Taps(x, window, sizes, x.Like(0)).Select(t => t.Tap).Aggregate((a, b) => a + b);
    }

    private static Tensor Norm(OnnxCall c)
    {
        long p = c.Int("p", 2);
        var (x, window) = (Powers(c.X(), p), Window(c));
        return Root(Sums(x, window, Sizes(window, x)), p);
    }

    private static Tensor Powers(Tensor x, long p) => p switch
    {
        1 => Pointwise.Apply("Abs.ONNX", a => Fn.Abs(a[0]), x),
        2 => x * x,
        _ => Pointwise.Apply("PowerOfNorm", a => Fn.Pow(Fn.Abs(a[0]), (double)p), x),
    };

    private static Tensor Root(Tensor x, long p) => p switch
    {
        1 => x,
        2 => x.Sqrt(),
        _ => Pointwise.Apply("RootOfNorm", a => Fn.Pow(a[0], 1.0 / p), x),
    };

    private static long[] Sizes(WindowAttributes window, Tensor x) => [.. Enumerable.Range(0, window.Rank).Select(i => window.Output(i, x.Shape[2 + i]))];

    private static Tensor ByKernel(Tensor x, WindowAttributes window, long[] sizes, Func<Tensor, Window2D, long, long, Tensor> apply)
    {
        if (window.Rank == 2)
            return apply(x, window.ToWindow2D(), sizes[0], sizes[1]);
        var row = apply(x.Reshape(Shape.Of(x.Shape[0], x.Shape[1], 1, x.Shape[2])), window.Prepend().ToWindow2D(), 1, sizes[0]);
        return row.Reshape(row.Shape.RemoveAt(2));
    }

    /// <summary>For each place in the window what all windows have there, and the place; padding is <paramref name="nothing"/>.</summary>
    private static IEnumerable<(Tensor Tap, long[] Offset)> Taps(Tensor x, WindowAttributes window, long[] sizes, Tensor nothing)
    {
        Tables.Pieces(window.Axes.Aggregate(1L, (n, a) => n * a.Kernel));
        // Enough behind for the last windows, which with ceil_mode may reach beyond the padding.
        long[] before = [0, 0, .. window.Axes.Select(a => a.Before)];
        long[] after = [0, 0, .. window.Axes.Select((a, i) => (sizes[i] - 1) * a.Stride + a.Extent - a.Before - x.Shape[2 + i])];
        var padded = Padding.WithValue(x, before, after, nothing);
        Seq<long> length = [x.Shape[0], x.Shape[1], .. sizes], step = [1, 1, .. window.Axes.Select(a => a.Stride)];
        var index = new long[window.Rank];
        while (true)
        {
            long[] offset = [.. index.Select((k, i) => k * window.Axes[i].Dilation)];
            yield return (padded.Slice([0, 0, .. offset], length, step), offset);
            int axis = window.Rank - 1;
            while (axis >= 0 && ++index[axis] == window.Axes[axis].Kernel)
                index[axis--] = 0;
            if (axis < 0)
                yield break;
        }
    }

    /// <summary>Numbers of the elements that all windows have at a place, counted in the whole tensor, rows or columns first.</summary>
    private static Tensor Place(Shape shape, WindowAttributes window, long[] sizes, long[] offset, bool columnsFirst)
    {
        var strides = shape.ContiguousStrides();
        if (columnsFirst)
        {
            long stride = 1;
            for (int axis = 2; axis < shape.Rank; axis++)
                (strides[axis], stride) = (stride, stride * shape[axis]);
        }

        Tensor number = Movement.Along(Composites.Iota((int)shape[0]), 0, shape.Rank).Convert(DType.Int64) * strides[0]
            + Movement.Along(Composites.Iota((int)shape[1]), 1, shape.Rank).Convert(DType.Int64) * strides[1];
        for (int i = 0; i < window.Rank; i++)
        {
            long[] at = [.. Enumerable.Range(0, Tables.Length(sizes[i])).Select(w => (w * window.Axes[i].Stride + offset[i] - window.Axes[i].Before) * strides[2 + i])];
            number += Movement.Along(Constant.Create<long>(at, Shape.Of(at.Length)), 2 + i, shape.Rank);
        }

        return number;
    }
}
