using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Values of an image at places that are themselves computed.</summary>
internal static class SamplingOperators
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("GridSample", 16, c => c.Out(GridSample(c))),
        new("AffineGrid", 20, c => c.Out(AffineGrid(c))),
        new("DeformConv", 19, c => c.Out(Deformed(c))),
        new("RoiAlign", 10, c => c.Out(RoiAlign(c))),
        new("Col2Im", 18, c => c.Out(Assembled(c))),
    ];

    /// <summary>
    /// Images [n, c, d…] at places, one tensor [n, p] a dimension: each dimension's taps and their weights [n, p] multiply. A tap outside is 0, the
    /// border's or a mirrored one.
    /// </summary>
    private static Tensor Sample(Tensor x, Tensor[] places, string mode, string padding, bool corners)
    {
        int rank = places.Length;
        long[] sizes = [.. x.Shape.Skip(2)];
        long all = sizes.Aggregate(1L, (n, d) => n * d);
        var rows = x.Transpose([0, .. Enumerable.Range(2, rank), 1]).Reshape(Shape.Of(x.Shape[0] * all, x.Shape[1]));
        var first = Movement.Along(Composites.Iota(checked((int)x.Shape[0])), 0, 2) * all;
        var taps = places.Select((p, d) => Taps(p, sizes[d], mode, padding, corners)).ToArray();
        Tensor? sum = null;
        var choice = new int[rank];
        while (true)
        {
            var number = first;
            Tensor? weight = null;
            long stride = all;
            for (int d = 0; d < rank; d++)
            {
                stride /= sizes[d];
                var (index, share) = taps[d][choice[d]];
                number += index * stride;
                weight = weight is null ? share : weight * share;
            }

            var term = Ops.Gather.Apply(rows, number) * weight!.Unsqueeze(-1);
            sum = sum is null ? term : sum + term;
            int last = rank - 1;
            while (last >= 0 && ++choice[last] == taps[last].Length)
                choice[last--] = 0;
            if (last < 0)
                break;
        }

        // [n, p, c] as [n, c, p].
        return Tables.Sum(sum).Transpose(0, 2, 1);
    }

    /// <summary>Int32 indices within the dimension and the weights that go with them.</summary>
    private static (Tensor Index, Tensor Weight)[] Taps(Tensor place, long size, string mode, string padding, bool corners)
    {
        double low = corners ? 0 : -0.5, high = corners ? size - 1 : size - 0.5;
        if (padding == "border")
            place = Pointwise.Apply("Border", a => Fn.Clamp(a[0], 0, size - 1), place);
        else if (padding == "reflection")
            place = Pointwise.Apply("Mirrored", a => Mirror(a[0], low, high), place);
        var (offsets, share) = mode switch
        {
            "nearest" => (new[] { 0 }, (Func<Scalar, Scalar, Scalar>)((at, p) => Scalar.Literal(1, p.Type!.Value))),
            "linear" or "bilinear" => ([0, 1], (at, p) => 1 - Fn.Abs(at - p)),
            "cubic" or "bicubic" => ([-1, 0, 1, 2], (at, p) => CubicShare(Fn.Abs(at - p))),
            _ => throw new OnnxException($"there is no mode '{mode}'"),
        };
        return [.. offsets.Select(o => Tap(o))];

        (Tensor, Tensor) Tap(int offset)
        {
            Scalar At(Scalar p) => (mode == "nearest" ? Fn.Round(p) : Fn.Floor(p)) + (double)offset;
            Scalar Within(Scalar at) => padding == "reflection" ? Fn.Clamp(Mirror(at, low, high), 0, size - 1) : Fn.Clamp(at, 0, size - 1);
            // What is no number or far outside must not become an index.
            var index = Pointwise.Apply("Tap", a => Fn.Convert(Fn.Select(Fn.Equal(a[0], a[0]), Within(At(a[0])), 0), DType.Int32), place);
            var weight = Pointwise.Apply("Share", a =>
            {
                var at = At(a[0]);
                return padding == "zeros" ? Fn.Select((at >= 0) & (at <= (double)(size - 1)), share(at, a[0]), 0) : share(at, a[0]);
            }, place);
            return (index, weight);
        }
    }

    private static Scalar CubicShare(Scalar x)
    {
        const double a = -0.75;
        return Fn.Select(x < 1, ((a + 2) * x - (a + 3)) * x * x + 1, Fn.Select(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0));
    }

    /// <summary>Back and forth between two borders.</summary>
    private static Scalar Mirror(Scalar x, double low, double high)
    {
        double range = high - low;
        if (range <= 0)
            return Fn.Clamp(x, low, low);
        var from = Fn.Abs(x - low);
        var times = Fn.Floor(from / range);
        var rest = from - times * range;
        return Fn.Select(Fn.Equal(Fn.Floor(times * 0.5) * 2, times), low + rest, high - rest);
    }

    private static Tensor GridSample(OnnxCall c)
    {
        var (x, grid) = (c.X(0), c.X(1));
        int rank = x.Shape.Rank - 2;
        if (rank < 1 || grid.Shape.Rank != x.Shape.Rank || grid.Shape[^1] != rank || grid.Shape[0] != x.Shape[0])
            throw new OnnxException($"a grid {grid.Shape} for {x.Shape}");
        bool corners = c.Flag("align_corners");
        long points = grid.Shape.Skip(1).Take(rank).Aggregate(1L, (n, d) => n * d);
        // The grid names the innermost dimension first.
        var parts = grid.Reshape(Shape.Of(x.Shape[0], points, rank)).Split(2, [.. Enumerable.Repeat(1L, rank)]).Reverse().ToArray();
        Tensor[] places = [.. parts.Select((p, d) =>
        {
            double size = x.Shape[2 + d];
            return Pointwise.Apply("Place", a => corners ? (a[0] + 1) * ((size - 1) / 2) : ((a[0] + 1) * size - 1) * 0.5, p.Reshape(Shape.Of(x.Shape[0], points)));
        })];
        var sampled = Sample(x, places, c.Text("mode", c.Version >= 20 ? "linear" : "bilinear"), c.Text("padding_mode", "zeros"), corners);
        return sampled.Reshape(Shape.Of([x.Shape[0], x.Shape[1], .. grid.Shape.Skip(1).Take(rank)]));
    }

    private static Tensor AffineGrid(OnnxCall c)
    {
        var theta = c.X(0);
        long[] size = c.Integers(1);
        int rank = size.Length - 2;
        if (rank is not (2 or 3) || theta.Shape != Shape.Of(size[0], rank, rank + 1))
            throw new OnnxException($"a grid of [{string.Join(", ", size)}] by {theta.Shape}");
        bool corners = c.Flag("align_corners");
        var spatial = Shape.Of(size[2..]);
        // Coordinates of each point, the innermost dimension's first, and a one.
        var columns = Enumerable.Range(0, rank).Reverse().Select(d =>
        {
            long n = size[2 + d];
            double[] along = [.. Enumerable.Range(0, Tables.Length(n)).Select(i => corners ? n == 1 ? 0 : -1 + 2.0 * i / (n - 1) : (2.0 * i + 1) / n - 1)];
            return Movement.Along(Constant.Create<double>(along, Shape.Of(n)), d, rank).BroadcastTo(spatial).Reshape(Shape.Of(spatial.Count));
        }).Append(Fill.Create(DType.Float64, Shape.Of(spatial.Count), 1)).ToImmutableArray();
        var points = Tensor.Stack(1, columns).Convert(theta.DType);
        return points.MatMul(theta.Transpose(0, 2, 1)).Reshape(Shape.Of([size[0], .. spatial, rank]));
    }

    /// <summary>A convolution whose taps stand where offsets move them. Source: Zhu et al., "Deformable ConvNets v2" (2018).</summary>
    private static Tensor Deformed(OnnxCall c)
    {
        Tensor x = c.X(0), w = c.X(1), offsets = c.X(2);
        if (x.Shape.Rank != 4 || w.Shape.Rank != 4)
            throw new OnnxUnsupportedException("deformable convolutions of other than two dimensions");
        int groups = checked((int)c.Int("group", 1)), offsetGroups = checked((int)c.Int("offset_group", 1));
        var window = WindowAttributes.Of(c, x.Shape.Dims[2..], w.Shape.Dims[2..]);
        int height = checked((int)window.Output(0, x.Shape[2])), width = checked((int)window.Output(1, x.Shape[3]));
        int taps = Tables.Length(w.Shape[2] * w.Shape[3]);
        if (offsets.Shape != Shape.Of(x.Shape[0], 2L * offsetGroups * taps, height, width) || x.Shape[1] % offsetGroups != 0 || w.Shape[0] % groups != 0)
            throw new OnnxException($"offsets {offsets.Shape} for {x.Shape} and a filter of {w.Shape}");
        // [n, offset groups, taps, 2, h, w]: y and x.
        var apart = offsets.Reshape(Shape.Of(x.Shape[0], offsetGroups, taps, 2, height, width)).Split(3, 1, 1);
        var points = Shape.Of(x.Shape[0] * offsetGroups, (long)taps * height * width);
        Tensor Places(int d)
        {
            var axis = window.Axes[d];
            double[] start = new double[Tables.Length((long)taps * height * width)];
            for (int i = 0; i < start.Length; i++)
            {
                int tap = i / (height * width), at = d == 0 ? i / width % height : i % width;
                start[i] = at * axis.Stride - axis.Before + (d == 0 ? tap / (int)w.Shape[3] : tap % (int)w.Shape[3]) * axis.Dilation;
            }

            return apart[d].Reshape(points) + Constant.Create<double>(start, Shape.Of(start.Length)).Convert(offsets.DType);
        }

        var channels = x.Reshape(Shape.Of(x.Shape[0] * offsetGroups, x.Shape[1] / offsetGroups, x.Shape[2], x.Shape[3]));
        // [n · og, c / og, taps · h · w] as [n, c, taps, h · w].
        var columns = Sample(channels, [Places(0), Places(1)], "linear", "zeros", corners: true)
            .Reshape(Shape.Of(x.Shape[0], x.Shape[1], taps, (long)height * width));
        if (c.Has(4))
        {
            var mask = c.X(4).Reshape(Shape.Of(x.Shape[0], offsetGroups, 1, taps, (long)height * width));
            columns = (columns.Reshape(Shape.Of(x.Shape[0], offsetGroups, x.Shape[1] / offsetGroups, taps, (long)height * width)) * mask).Reshape(columns.Shape);
        }

        long inputs = x.Shape[1] / groups, outputs = w.Shape[0] / groups;
        var result = w.Reshape(Shape.Of(1, groups, outputs, inputs * taps))
            .MatMul(columns.Reshape(Shape.Of(x.Shape[0], groups, inputs * taps, (long)height * width)))
            .Reshape(Shape.Of(x.Shape[0], w.Shape[0], height, width));
        return c.Has(3) ? result + Movement.Along(c.X(3), 1, 4) : result;
    }

    /// <summary>Regions of images as images of one size. Source: He et al., "Mask R-CNN" (2017). What is sampled follows from the regions, which must be known.</summary>
    private static Tensor RoiAlign(OnnxCall c)
    {
        var x = c.X(0);
        double[] regions = c.Floats(1);
        long[] samples = c.Integers(2);
        int height = checked((int)c.Int("output_height", 1)), width = checked((int)c.Int("output_width", 1)), ratio = checked((int)c.Int("sampling_ratio", 0));
        double scale = c.Float("spatial_scale", 1);
        bool half = c.Text("coordinate_transformation_mode", c.Version >= 16 ? "half_pixel" : "output_half_pixel") == "half_pixel";
        if (x.Shape.Rank != 4 || regions.Length != 4 * samples.Length || height < 1 || width < 1)
            throw new OnnxException($"{samples.Length} regions of {x.Shape}");
        var rows = x.Transpose(0, 2, 3, 1).Reshape(Shape.Of(x.Shape[0] * x.Shape[2] * x.Shape[3], x.Shape[1]));
        bool largest = c.Text("mode", "avg") == "max";
        var results = new List<Tensor>();
        for (int r = 0; r < samples.Length; r++)
        {
            double Edge(int i) => regions[4 * r + i] * scale - (half ? 0.5 : 0);
            double tall = Edge(3) - Edge(1), wide = Edge(2) - Edge(0);
            if (!half)
                (tall, wide) = (Math.Max(tall, 1), Math.Max(wide, 1));
            int down = ratio > 0 ? ratio : (int)Math.Ceiling(tall / height), across = ratio > 0 ? ratio : (int)Math.Ceiling(wide / width);
            var (indices, weights) = Corners(x.Shape, samples[r], (Edge(1), tall / height, height, down), (Edge(0), wide / width, width, across));
            int each = Math.Max(1, indices.Length / (height * width));
            if (indices.Length == 0)
            {
                results.Add(Fill.Create(x.DType, Shape.Of(x.Shape[1], height, width), 0));
                continue;
            }

            var terms = Ops.Gather.Apply(rows, Constant.Create<int>(indices, Shape.Of(height * width, each)))
                * Constant.Create<double>(weights, Shape.Of(height * width, each, 1)).Convert(x.DType);
            var pooled = largest ? terms.Max(1) : terms.Sum(1) / Math.Max(1.0, down * across);
            results.Add(pooled.Transpose(1, 0).Reshape(Shape.Of(x.Shape[1], height, width)));
        }

        return results.Count == 0 ? Fill.Create(x.DType, Shape.Of(0, x.Shape[1], height, width), 0) : Tensor.Stack(0, [.. results]);
    }

    /// <summary>For each bin and each place in it the four pixels around and their weights.</summary>
    private static (int[] Indices, double[] Weights) Corners(Shape shape, long sample, (double Start, double Bin, int Bins, int Samples) y, (double Start, double Bin, int Bins, int Samples) x)
    {
        Tables.Length(4L * y.Bins * x.Bins * Math.Max(0, y.Samples) * Math.Max(0, x.Samples));
        if (sample < 0 || sample >= shape[0])
            throw new OnnxException($"there is no image {sample} of {shape[0]}");
        var (indices, weights) = (new List<int>(), new List<double>());
        for (int ph = 0; ph < y.Bins; ph++)
        {
            for (int pw = 0; pw < x.Bins; pw++)
            {
                for (int i = 0; i < y.Samples * x.Samples; i++)
                {
                    var rowsAt = Around(y.Start + ph * y.Bin + (i / x.Samples + 0.5) * y.Bin / y.Samples, shape[2]);
                    var columnsAt = Around(x.Start + pw * x.Bin + (i % x.Samples + 0.5) * x.Bin / x.Samples, shape[3]);
                    foreach (var (row, down) in rowsAt)
                    {
                        foreach (var (column, across) in columnsAt)
                        {
                            indices.Add(checked((int)((sample * shape[2] + row) * shape[3] + column)));
                            weights.Add(rowsAt[0].Inside && columnsAt[0].Inside ? down * across : 0);
                        }
                    }
                }
            }
        }

        return ([.. indices], [.. weights]);
    }

    private readonly record struct Neighbour(long At, double Share, bool Inside)
    {
        public void Deconstruct(out long at, out double share) => (at, share) = (At, Share);
    }

    private static Neighbour[] Around(double place, long size)
    {
        if (place < -1 || place > size)
            return [new(0, 0, false), new(0, 0, false)];
        place = Math.Max(place, 0);
        long low = (long)place;
        return low >= size - 1 ? [new(size - 1, 1, true), new(size - 1, 0, true)] : [new(low, 1 - (place - low), true), new(low + 1, place - low, true)];
    }

    /// <summary>Columns of blocks added up to the image that they were taken from.</summary>
    private static Tensor Assembled(OnnxCall c)
    {
        var x = c.X(0);
        long[] image = c.Integers(1), block = c.Integers(2);
        int rank = image.Length;
        long[] One() => [.. Enumerable.Repeat(1L, rank)];
        long[] strides = c.Ints("strides") ?? One(), dilations = c.Ints("dilations") ?? One(), pads = c.Ints("pads") ?? new long[2 * rank];
        var axes = Enumerable.Range(0, rank).Select(i => new WindowAxis(block[i], strides[i], dilations[i], pads[i], pads[rank + i])).ToImmutableArray();
        var window = new WindowAttributes(axes);
        long[] counts = [.. Enumerable.Range(0, rank).Select(i => window.Output(i, image[i]))];
        long taps = block.Aggregate(1L, (n, b) => n * b);
        if (x.Shape.Rank != 3 || taps == 0 || x.Shape[1] % taps != 0 || x.Shape[2] != counts.Aggregate(1L, (n, k) => n * k))
            throw new OnnxException($"{x.Shape} are not the columns of [{string.Join(", ", image)}] in blocks of [{string.Join(", ", block)}]");
        var pieces = x.Reshape(Shape.Of([x.Shape[0], x.Shape[1] / taps, taps, .. counts])).Split(2, [.. Enumerable.Repeat(1L, Tables.Pieces(taps))]);
        Tensor? sum = null;
        for (int tap = 0; tap < taps; tap++)
        {
            long[] before = new long[rank + 2], after = new long[rank + 2], between = new long[rank + 2];
            for (int d = rank - 1, rest = tap; d >= 0; d--)
            {
                long at = rest % block[d] * dilations[d];
                (rest, before[d + 2], between[d + 2]) = ((int)(rest / block[d]), at, strides[d] - 1);
                after[d + 2] = image[d] + pads[d] + pads[rank + d] - at - ((counts[d] - 1) * strides[d] + 1);
            }

            var spread = pieces[tap].Reshape(Shape.Of([x.Shape[0], x.Shape[1] / taps, .. counts])).Pad([.. before], [.. after], [.. between]);
            sum = sum is null ? spread : sum + spread;
        }

        return Padding.WithValue(Tables.Sum(sum), [0, 0, .. axes.Select(a => -a.Before)], [0, 0, .. axes.Select(a => -a.After)], x.Like(0));
    }
}
