using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>
/// Resampling along axes, each by itself: which elements a place of the result is made of, and with which weights, is known beforehand, so that
/// the nearest is a gathering and all else a product with a matrix.
/// </summary>
internal static class Resizing
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Upsample", 7, c => c.Out(Upsampled(c, c.Floats("scales") ?? throw new OnnxException("attribute scales is missing")))),
        new("Upsample", 9, c => c.Out(Upsampled(c, c.Floats(1)))),
        new("Resize", 10, c => c.Out(Upsampled(c, c.Floats(1)))),
        new("Resize", 11, c => c.Out(Resized(c))),
    ];

    /// <summary>How one axis is resampled.</summary>
    private sealed record Sampling(string Mode, string Coordinates, string Nearest, double CubicA, bool ExcludeOutside, bool Antialias);

    /// <summary>One axis: its lengths, the scale as it was said, and for tf_crop_and_resize the part of it that is looked at.</summary>
    private readonly record struct Axis(int Number, long From, long To, double Scale, double Start, double End)
    {
        /// <summary>The length that the scale says, of which <see cref="To"/> is the whole part.</summary>
        public double Length => From * Scale;
    }

    private static Tensor Upsampled(OnnxCall c, double[] scales)
    {
        var x = c.X();
        if (scales.Length != x.Shape.Rank)
            throw new OnnxException($"{scales.Length} scales for {x.Shape}");
        var sampling = new Sampling(c.Text("mode", "nearest"), "asymmetric", "floor", -0.75, false, false);
        return Resample(x, sampling, scales.Select((s, a) => new Axis(a, x.Shape[a], (long)Math.Floor(x.Shape[a] * s), s, 0, 1)), 0);
    }

    private static Tensor Resized(OnnxCall c)
    {
        var x = c.X();
        int[] axes = c.Ints("axes") is { } given ? OnnxCall.Axes(given, x.Shape.Rank) : [.. Enumerable.Range(0, x.Shape.Rank)];
        double[] roi = c.Has(1) && c.Shape(1).Count > 0 ? c.Floats(1) : [.. axes.Select(_ => 0.0), .. axes.Select(_ => 1.0)];
        double[] scales;
        long[] sizes;
        if (c.Has(3) && c.Shape(3).Count > 0)
        {
            sizes = c.Integers(3);
            if (sizes.Length != axes.Length)
                throw new OnnxException($"{sizes.Length} sizes for {axes.Length} axes");
            scales = [.. axes.Select((a, i) => (double)sizes[i] / x.Shape[a])];
            string policy = c.Text("keep_aspect_ratio_policy", "stretch");
            if (policy != "stretch")
            {
                double one = policy == "not_larger" ? scales.Min() : scales.Max();
                scales = [.. scales.Select(_ => one)];
                sizes = [.. axes.Select(a => (long)Math.Floor(one * x.Shape[a] + 0.5))];
            }
        }
        else
        {
            scales = c.Has(2) ? c.Floats(2) : throw new OnnxException("neither scales nor sizes are given");
            if (scales.Length != axes.Length)
                throw new OnnxException($"{scales.Length} scales for {axes.Length} axes");
            sizes = [.. axes.Select((a, i) => (long)Math.Floor(x.Shape[a] * scales[i]))];
        }

        if (roi.Length != 2 * axes.Length || scales.Any(s => !(s > 0)) || sizes.Any(s => s < 0))
            throw new OnnxException("scales, sizes and region do not fit the axes");
        var sampling = new Sampling(c.Text("mode", "nearest"), c.Text("coordinate_transformation_mode", "half_pixel"), c.Text("nearest_mode", "round_prefer_floor"),
            c.Float("cubic_coeff_a", -0.75), c.Flag("exclude_outside"), c.Flag("antialias"));
        return Resample(x, sampling, axes.Select((a, i) => new Axis(a, x.Shape[a], sizes[i], scales[i], roi[i], roi[axes.Length + i])), c.Float("extrapolation_value", 0));
    }

    private static Tensor Resample(Tensor x, Sampling sampling, IEnumerable<Axis> axes, double extrapolation)
    {
        var type = x.DType;
        bool linear = sampling.Mode != "nearest";
        if (linear && !type.IsFloat())
            x = x.Convert(DType.Float32);
        Tensor? outside = null;
        foreach (var axis in axes)
        {
            bool crops = sampling.Coordinates == "tf_crop_and_resize";
            if (axis.From == axis.To && axis.Scale == 1 && !crops)
                continue;
            if (axis.From == 0)
                throw new OnnxException($"axis {axis.Number} of {x.Shape} has nothing to resample");
            double[] places = [.. Enumerable.Range(0, Tables.Length(axis.To)).Select(i => Place(sampling, axis, i))];
            if (crops)
                outside = Outside(outside, axis, places, x.Shape.Rank);
            if (linear)
                x = ByMatrix(x, axis.Number, Weights(sampling, axis, places), places.Length);
            else
                x = x.Gather(Constant.Create<int>([.. places.Select(p => (int)Math.Clamp(Nearest(sampling.Nearest, p), 0, axis.From - 1))], Shape.Of(places.Length)), axis.Number);
        }

        if (outside is not null)
            x = Tensor.Where(outside, extrapolation, x);
        return linear && type != x.DType ? x.Convert(type) : x;
    }

    /// <summary>Where in the input a place of the result lies.</summary>
    private static double Place(Sampling sampling, Axis axis, int i)
    {
        switch (sampling.Coordinates)
        {
            case "half_pixel":
                return (i + 0.5) / axis.Scale - 0.5;
            case "half_pixel_symmetric":
                double kept = axis.To / axis.Length;
                return axis.From / 2.0 * (1 - kept) + (i + 0.5) / axis.Scale - 0.5;
            case "pytorch_half_pixel":
                return axis.Length == 1 ? 0 : (i + 0.5) / axis.Scale - 0.5;
            case "align_corners":
                return axis.Length == 1 ? 0 : i * (axis.From - 1.0) / (axis.Length - 1);
            case "asymmetric":
                return i / axis.Scale;
            case "tf_half_pixel_for_nn":
                return (i + 0.5) / axis.Scale;
            case "tf_crop_and_resize":
                return axis.Length == 1 ? 0.5 * (axis.Start + axis.End) * (axis.From - 1)
                    : axis.Start * (axis.From - 1) + i * (axis.End - axis.Start) * (axis.From - 1) / (axis.Length - 1);
            default:
                throw new OnnxException($"there is no coordinate_transformation_mode '{sampling.Coordinates}'");
        }
    }

    private static long Nearest(string mode, double place) => (long)(mode switch
    {
        "round_prefer_floor" => Math.Ceiling(place - 0.5),
        "round_prefer_ceil" => Math.Floor(place + 0.5),
        "floor" => Math.Floor(place),
        "ceil" => Math.Ceiling(place),
        _ => throw new OnnxException($"there is no nearest_mode '{mode}'"),
    });

    private static Tensor Outside(Tensor? others, Axis axis, double[] places, int rank)
    {
        var own = Movement.Along(Constant.Create<bool>([.. places.Select(p => p < 0 || p > axis.From - 1)], Shape.Of(places.Length)), axis.Number, rank);
        return others is null ? own : others | own;
    }

    /// <summary>[places, elements]: of what each place is made.</summary>
    private static double[] Weights(Sampling sampling, Axis axis, double[] places)
    {
        var weights = new double[Tables.Length(places.Length * axis.From)];
        double narrow = sampling.Antialias ? Math.Min(1, axis.Scale) : 1;
        int reach = sampling.Mode switch
        {
            "linear" => (int)Math.Ceiling(1 / narrow),
            "cubic" => (int)Math.Ceiling(2 / narrow),
            _ => throw new OnnxException($"there is no mode '{sampling.Mode}'"),
        };
        Tables.Length(places.Length * (2L * reach));
        for (int i = 0; i < places.Length; i++)
        {
            long from = (long)Math.Floor(places[i]);
            double sum = 0;
            for (long at = from - reach + 1; at <= from + reach; at++)
            {
                double weight = sampling.Mode == "linear" ? Math.Max(0, 1 - Math.Abs(at - places[i]) * narrow) : Cubic((at - places[i]) * narrow, sampling.CubicA);
                if (sampling.ExcludeOutside && (at < 0 || at >= axis.From))
                    continue;
                sum += weight;
                weights[i * axis.From + Math.Clamp(at, 0, axis.From - 1)] += weight;
            }

            for (int at = 0; at < axis.From; at++)
                weights[i * axis.From + at] /= sum;
        }

        return weights;
    }

    /// <summary>Source: Keys, "Cubic convolution interpolation for digital image processing" (1981).</summary>
    internal static double Cubic(double x, double a)
    {
        x = Math.Abs(x);
        return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    private static Tensor ByMatrix(Tensor x, int axis, double[] weights, int places)
    {
        var shape = Shape.Of(places, x.Shape[axis]);
        var matrix = x.DType == DType.Float64 ? Constant.Create<double>(weights, shape) : Constant.Create<float>([.. weights.Select(w => (float)w)], shape);
        var product = new Node(new Contract([], [], [axis], [1]), [x, matrix]).Output;
        // The new axis comes last.
        int last = x.Shape.Rank - 1;
        return product.Transpose([.. Enumerable.Range(0, x.Shape.Rank).Select(a => a < axis ? a : a == axis ? last : a - 1)]);
    }
}
