using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Modules;

/// <summary>
/// Batch normalisation over [n, c, …], each channel by the statistics of its shard's samples and pixels; outside training by running ones,
/// which keep <c>Momentum</c> of themselves each step (ONNX's meaning). Source: Ioffe, Szegedy, "Batch normalization" (2015).
/// </summary>
public sealed record BatchNorm : Module
{
    public double Momentum { get; init; } = 0.9;

    public double Epsilon { get; init; } = 1e-5;

    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank < 2)
            throw new GraphException("batch normalisation takes [n, channels, …]");
        long channels = input.Shape[1];
        var perChannel = Shape.Of([channels, .. Enumerable.Repeat(1L, input.Shape.Rank - 2)]);
        var (weight, bias) = Norms.Affine(context, Shape.Of(channels), perChannel);
        if (!context.Training)
        {
            var running = context.Statistic("mean", Shape.Of(channels), 0, Momentum, null).Reshape(perChannel);
            var spread = context.Statistic("variance", Shape.Of(channels), 1, Momentum, null).Reshape(perChannel);
            return Pointwise.Apply("Normalise", a => (a[0] - a[1]) / Fn.Sqrt(a[2] + Epsilon) * a[3] + a[4], input, running, spread, weight, bias);
        }

        var (output, mean, variance) = Norms.OverBatch(input, weight, bias, Epsilon);
        context.Statistic("mean", Shape.Of(channels), 0, Momentum, mean);
        context.Statistic("variance", Shape.Of(channels), 1, Momentum, variance);
        return output;
    }
}

/// <summary>Each sample's innermost axis to mean 0 and variance 1. Source: Ba, Kiros, Hinton, "Layer normalization" (2016).</summary>
public sealed record LayerNorm : Module
{
    public double Epsilon { get; init; } = 1e-5;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        long features = input.Shape[^1];
        var (weight, bias) = Norms.Affine(context, Shape.Of(features), Shape.Of(features));
        return Norms.Standardise(input, [input.Shape.Rank - 1], features, weight, bias, Epsilon);
    }
}

/// <summary>Groups of channels of each sample of [n, c, …]. Source: Wu, He, "Group normalization" (2018).</summary>
public sealed record GroupNorm(int Groups) : Module
{
    public double Epsilon { get; init; } = 1e-5;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank < 2 || input.Shape[1] % Groups != 0)
            throw new GraphException($"{Groups} groups of the channels of {input.Shape}");
        long each = input.Shape[1] / Groups, pixels = input.Shape.Dims[2..].ToArray().Aggregate(1L, (n, dim) => n * dim);
        var (weight, bias) = Norms.Affine(context, Shape.Of(input.Shape[1]), Shape.Of(Groups, each, 1));
        var grouped = input.Reshape(Shape.Of(input.Shape[0], Groups, each, pixels));
        return Norms.Standardise(grouped, [2, 3], each * pixels, weight, bias, Epsilon).Reshape(input.Shape);
    }
}

/// <summary>x / √(mean of squares) over the innermost axis, times a weight. Source: Zhang, Sennrich, "Root mean square layer normalization" (2019).</summary>
public sealed record RmsNorm : Module
{
    public double Epsilon { get; init; } = 1e-6;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        long features = input.Shape[^1];
        var weight = context.Parameter("weight", Shape.Of(features), default, new Uniformly(1));
        var squares = (input * input).Sum(-1).Reshape(input.Shape.With(input.Shape.Rank - 1, 1)) * (1.0 / features);
        return Pointwise.Apply("RmsNorm", a => a[0] / Fn.Sqrt(a[1] + Epsilon) * a[2], input, squares, weight);
    }
}

/// <summary>What the norms share.</summary>
internal static class Norms
{
    public static (Tensor Weight, Tensor Bias) Affine(ModuleContext context, Shape shape, Shape aligned) =>
        (context.Parameter("weight", shape, default, new Uniformly(1)).Reshape(aligned), context.Parameter("bias", shape, default, new Uniformly(0)).Reshape(aligned));

    /// <summary>Mean and biased variance over axes, which stay with 1, in two passes: the squares of differences lose no digits.</summary>
    public static (Tensor Mean, Tensor Variance) Moments(Tensor x, Seq<int> axes, double count)
    {
        var kept = Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        var mean = x.Sum(axes.Items.AsSpan()).Reshape(kept) * (1 / count);
        var difference = x - mean;
        return (mean, (difference * difference).Sum(axes.Items.AsSpan()).Reshape(kept) * (1 / count));
    }

    /// <summary>Each channel of [n, channels, …] by its own moments, and what running statistics take of these: [channels] each.</summary>
    public static (Tensor Output, Tensor Mean, Tensor Variance) OverBatch(Tensor input, Tensor weight, Tensor bias, double epsilon)
    {
        long channels = input.Shape[1];
        Seq<int> axes = [0, .. Enumerable.Range(2, input.Shape.Rank - 2)];
        double count = input.Shape.Count / (double)Math.Max(1, channels);
        var (mean, variance) = Moments(input, axes, count);
        // The running variance is the unbiased one, as everywhere; of one value alone there is none.
        return (Standardise(input, axes, mean, variance, weight, bias, epsilon), mean.Reshape(Shape.Of(channels)),
            variance.Reshape(Shape.Of(channels)) * (count > 1 ? count / (count - 1) : 1));
    }

    /// <summary>By its own moments over axes, then · weight + bias.</summary>
    public static Tensor Standardise(Tensor x, Seq<int> axes, double count, Tensor weight, Tensor bias, double epsilon)
    {
        var (mean, variance) = Moments(x, axes, count);
        return Standardise(x, axes, mean, variance, weight, bias, epsilon);
    }

    public static Tensor Standardise(Tensor x, Seq<int> axes, Tensor mean, Tensor variance, Tensor weight, Tensor bias, double epsilon) =>
        new Node(new Standardise(axes, epsilon), [x, mean, variance, weight, bias]).Output;
}
