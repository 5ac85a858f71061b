using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Normalisation, computed in float32 or wider whatever the type.</summary>
internal static class Normalisations
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("BatchNormalization", 1, Batch) { Write = WriteBatch, Joins = true },
        new("InstanceNormalization", 1, c => c.Out(Scaled(c, Standardised(c.X(), [.. Enumerable.Range(2, c.X().Shape.Rank - 2)], c.Float("epsilon", 1e-5)).Value))),
        new("LayerNormalization", 17, Layer),
        new("RMSNormalization", 23, Rms),
        new("GroupNormalization", 18, c => c.Out(Group(c))),
        new("MeanVarianceNormalization", 9, c => c.Out(Standardised(c.X(), OnnxCall.Axes(c.Ints("axes") ?? [0, 2, 3], c.X().Shape.Rank), 0, 1e-9).Value)),
        new("LpNormalization", 1, c => c.Out(Lp(c))),
        new("LRN", 1, c => c.Out(LocalResponse(c))),
        new("Dropout", 1, c => c.Context.Mode is { Training: true } mode ? [c.Out(Dropped(c, mode, c.Float("ratio", 0.5))), Mask(c, ElementType.Bool)]
            : [c.Value(0), Mask(c, ElementType.Bool)]),
        new("Dropout", 12, Dropout),
    ];

    /// <summary>(x − mean) / √(variance + epsilon) over axes, whose statistics keep them with length 1.</summary>
    private static (Tensor Value, Tensor Mean, Tensor Inverse) Standardised(Tensor x, int[] axes, double epsilon, double epsilonOutside = 0)
    {
        var kept = Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        double count = axes.Aggregate(1.0, (n, axis) => n * x.Shape[axis]);
        var mean = x.Sum(axes).Reshape(kept) / count;
        var difference = x - mean;
        var variance = (difference * difference).Sum(axes).Reshape(kept) / count;
        var inverse = Pointwise.Apply("InverseDeviation", a => 1 / (Fn.Sqrt(a[0] + epsilon) + epsilonOutside), variance);
        return (difference * inverse, mean, inverse);
    }

    private static Tensor Channels(Tensor list, int rank) => Movement.Along(list, 1, rank);

    private static Tensor Scaled(OnnxCall c, Tensor x) => x * Channels(c.X(1), x.Shape.Rank) + Channels(c.X(2), x.Shape.Rank);

    private static ImmutableArray<OnnxValue?> Batch(OnnxCall c)
    {
        var x = c.X();
        double epsilon = c.Float("epsilon", 1e-5), momentum = c.Float("momentum", 0.9);
        bool training = c.Version >= 14 ? c.Flag("training_mode") : c.Version < 7 && c.HasAttribute("is_test") && !c.Flag("is_test") && c.Wants(1);
        if (x.Shape.Rank < 2)
            throw new OnnxException($"there are no channels in {x.Shape}");
        if (c.Context.Mode is { } mode && mode.Statistics.ContainsKey(c.InputName(3)) && mode.Statistics.ContainsKey(c.InputName(4)))
        {
            training = false;
            if (mode.Training)
                return [c.Out(Observed(c, mode, x, epsilon))];
        }

        Tensor Wide(int input) => c.X(input).Convert(x.DType);
        Tensor mean = Wide(3), variance = Wide(4), weight = Wide(1), bias = Wide(2);
        if (c.Version < 9 && c.Int("spatial", 1) == 0)
        {
            var each = Pointwise.Apply("Normalise", a => (a[0] - a[1]) / Fn.Sqrt(a[2] + epsilon) * a[3] + a[4], x, mean, variance, weight, bias);
            return [c.Out(each)];
        }

        if (training)
        {
            int[] axes = [0, .. Enumerable.Range(2, x.Shape.Rank - 2)];
            double count = axes.Aggregate(1.0, (n, axis) => n * x.Shape[axis]);
            var own = x.Sum(axes) / count;
            var difference = x - Channels(own, x.Shape.Rank);
            var spread = (difference * difference).Sum(axes) / count;
            var result = Normalise(own, spread);
            return [c.Out(result), OnnxCall.Out(mean * momentum + own * (1 - momentum), c.Element(3)), OnnxCall.Out(variance * momentum + spread * (1 - momentum), c.Element(4))];
        }

        return [c.Out(Normalise(mean, variance))];

        Tensor Normalise(Tensor m, Tensor v) => Pointwise.Apply("Normalise", a => Normalised(a, epsilon),
            x, m.AlongChannels(x.Shape.Rank), v.AlongChannels(x.Shape.Rank), weight.AlongChannels(x.Shape.Rank), bias.AlongChannels(x.Shape.Rank));
    }

    /// <summary>By the figures of this batch, which the running ones then take up.</summary>
    private static Tensor Observed(OnnxCall c, ModelMode mode, Tensor x, double epsilon)
    {
        var (output, mean, variance) = Norms.OverBatch(x, c.X(1).AlongChannels(x.Shape.Rank), c.X(2).AlongChannels(x.Shape.Rank), epsilon);
        mode.Observe(c.InputName(3), mean);
        mode.Observe(c.InputName(4), variance);
        return output;
    }

    private static Scalar Normalised(Scalar[] a, double epsilon) => (a[0] - a[1]) / Fn.Sqrt(a[2] + epsilon) * a[3] + a[4];

    /// <summary>By figures that came before, as a batch normalisation outside training does: each lies along the channels.</summary>
    private static Written? WriteBatch(Node node, WriteContext context)
    {
        if (node.Op is not Pointwise { Label: "Normalise" } op || node.Inputs.Length != 5
            || op.Body.Instructions.Where(i => i.Op == ScalarOp.Constant).ToArray() is not [{ Value: var epsilon }]
            || PointwiseForm.Of(node, "BatchNormalization", "Normalise", a => Normalised(a, epsilon)) is null || node.Inputs[0].Shape is not { Rank: >= 2 } shape)
            return null;
        var aligned = Shape.Of([shape[1], .. Enumerable.Repeat(1L, shape.Rank - 2)]);
        Tensor[] figures = [.. node.Inputs.Skip(1).Select(t => t.Producer.Op is Reshape && t.Producer.Inputs[0].Shape.Rank == 1 && shape.Rank > 2 ? t.Producer.Inputs[0] : t)];
        return node.Inputs.Skip(1).All(t => t.Shape == aligned) && figures.All(t => t.Shape.Rank == 1)
            ? new Written("BatchNormalization", node.Inputs[0], figures[2], figures[3], figures[0], figures[1]).WithFloat("epsilon", epsilon) : null;
    }

    private static ImmutableArray<OnnxValue?> Layer(OnnxCall c)
    {
        var x = c.X();
        int[] axes = From(c, x);
        var (value, mean, inverse) = Standardised(x, axes, c.Float("epsilon", 1e-5));
        var result = value * c.X(1);
        var stash = c.Type("stash_type", ElementType.Float);
        return [c.Out(c.Has(2) ? result + c.X(2) : result), OnnxCall.Out(mean, stash), OnnxCall.Out(inverse, stash)];
    }

    private static int[] From(OnnxCall c, Tensor x)
    {
        int axis = OnnxCall.Axis(c.Int("axis", -1), x.Shape.Rank);
        return [.. Enumerable.Range(axis, x.Shape.Rank - axis)];
    }

    private static ImmutableArray<OnnxValue?> Rms(OnnxCall c)
    {
        var x = c.X();
        int[] axes = From(c, x);
        double count = axes.Aggregate(1.0, (n, axis) => n * x.Shape[axis]), epsilon = c.Float("epsilon", 1e-5);
        var squares = (x * x).Sum(axes).Reshape(Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)])) / count;
        return [c.Out(Pointwise.Apply("RmsNorm", a => a[0] / Fn.Sqrt(a[1] + epsilon) * a[2], x, squares, c.X(1).Convert(x.DType)))];
    }

    private static Tensor Group(OnnxCall c)
    {
        var x = c.X();
        long groups = c.Int("num_groups");
        if (x.Shape.Rank < 3 || groups < 1 || x.Shape[1] % groups != 0)
            throw new OnnxException($"{groups} groups of the channels of {x.Shape}");
        var grouped = x.Reshape(Shape.Of(x.Shape[0], groups, x.Shape[0] == 0 ? 0 : x.Shape.Count / x.Shape[0] / groups));
        var standard = Standardised(grouped, [2], c.Float("epsilon", 1e-5)).Value;
        if (c.X(1).Shape.Count == x.Shape[1])
            return Scaled(c, standard.Reshape(x.Shape));
        // Version 18 had one scale a group.
        return (standard * c.X(1).Reshape(Shape.Of(groups, 1)) + c.X(2).Reshape(Shape.Of(groups, 1))).Reshape(x.Shape);
    }

    private static Tensor Lp(OnnxCall c)
    {
        var x = c.X();
        int axis = OnnxCall.Axis(c.Int("axis", -1), x.Shape.Rank);
        var size = c.Int("p", 2) == 1 ? Pointwise.Apply("Abs.ONNX", a => Fn.Abs(a[0]), x).Sum(axis) : (x * x).Sum(axis).Sqrt();
        // Of nothing but zeros zeros are left.
        return Pointwise.Apply("LpNormalise", a => Fn.Select(Fn.Equal(a[1], 0), 0, a[0] / a[1]), x, size.Reshape(x.Shape.With(axis, 1)));
    }

    private static Tensor LocalResponse(OnnxCall c)
    {
        var x = c.X();
        long size = c.Int("size"), channels = x.Shape[1];
        double alpha = c.Float("alpha", 1e-4), beta = c.Float("beta", 0.75), bias = c.Float("bias", 1);
        // Neighbours before and after, as a window along the channels.
        long before = (size - 1) / 2;
        long[] none = new long[x.Shape.Rank];
        Seq<long> At(long value) => none.Select((_, a) => a == 1 ? value : 0).ToSeq();
        var squares = (x * x).Pad(At(before), At(size - 1 - before), [.. none]);
        var sum = Enumerable.Range(0, Tables.Pieces(size)).Select(i => squares.Slice(At(i), [.. x.Shape], [.. none.Select(_ => 1L)])).Aggregate((a, b) => a + b);
        return Pointwise.Apply("LocalResponse", a => a[0] / Fn.Pow(bias + alpha / size * a[1], beta), x, sum);
    }

    private static OnnxValue? Mask(OnnxCall c, ElementType element) => c.Wants(1) ? new GraphTensor(element, Fill.Create(element.Storage(), c.Shape(), 1)) : null;

    /// <summary>As a job's dropout: by a mask that is fresh for each step and shard.</summary>
    private static Tensor Dropped(OnnxCall c, ModelMode mode, double ratio) =>
        new Modules.Dropout(ratio).Forward(c.X(), mode.Context.Inside(c.Name));

    private static ImmutableArray<OnnxValue?> Dropout(OnnxCall c)
    {
        double ratio = c.Has(1) ? c.Floats(1)[0] : 0.5;
        if (c.Context.Mode is { Training: true } mode)
            return [c.Out(Dropped(c, mode, ratio)), Mask(c, ElementType.Bool)];
        bool training = c.Context.Mode is null && c.Has(2) && c.Integers(2)[0] != 0;
        if (!training || ratio == 0)
            return [c.Value(0), Mask(c, ElementType.Bool)];
        var draws = Creation.Uniform(c, c.Shape(), c.X().DType);
        return
        [
            c.Out(Pointwise.Apply("Dropout.ONNX", a => Fn.Select(a[1] < ratio, 0, a[0] * (1 / (1 - ratio))), c.X(), draws)),
            OnnxCall.Out(Pointwise.Apply("DropoutMask", a => a[0] >= ratio, draws), ElementType.Bool),
        ];
    }
}
