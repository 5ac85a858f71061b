using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>
/// [n, c, h, w] → [n, Outputs, h', w'] with square kernels; weight [Outputs, c / Groups, Kernel, Kernel], bias [Outputs]. With
/// <c>Groups</c> = c each channel is convolved by itself.
/// </summary>
public sealed record Conv2d(int Outputs, int Kernel) : Module
{
    public int Stride { get; init; } = 1;

    public int Padding { get; init; }

    public int Dilation { get; init; } = 1;

    public int Groups { get; init; } = 1;

    public bool Bias { get; init; } = true;

    public Initialiser? Initialiser { get; init; }

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank != 4)
            throw new GraphException("a convolution takes [n, channels, height, width]");
        var weight = Convolutions.Weight(context, input.Shape[1], Outputs, Groups, (Kernel, Kernel), Initialiser);
        return Convolutions.WithBias(context, Bias, Convolve.Apply(input, weight, (Stride, Stride), (Padding, Padding), (Dilation, Dilation), Groups));
    }
}

/// <summary>[n, c, l] → [n, Outputs, l']; weight [Outputs, c / Groups, Kernel], bias [Outputs].</summary>
public sealed record Conv1d(int Outputs, int Kernel) : Module
{
    public int Stride { get; init; } = 1;

    public int Padding { get; init; }

    public int Dilation { get; init; } = 1;

    public int Groups { get; init; } = 1;

    public bool Bias { get; init; } = true;

    public Initialiser? Initialiser { get; init; }

    public override Tensor Forward(Tensor input, ModuleContext context) => Windows.InOneRow(input, image =>
    {
        var weight = Convolutions.Weight(context, input.Shape[1], Outputs, Groups, (null, Kernel), Initialiser);
        var filter = weight.Reshape(Shape.Of(weight.Shape[0], weight.Shape[1], 1, Kernel));
        return Convolutions.WithBias(context, Bias, Convolve.Apply(image, filter, (1, Stride), (0, Padding), (1, Dilation), Groups));
    });
}

/// <summary>Each channel convolved by itself, then all of them mixed point by point. Source: Chollet, "Xception" (2017).</summary>
public sealed record SeparableConv2d(int Outputs, int Kernel) : Module
{
    public int Stride { get; init; } = 1;

    public int Padding { get; init; }

    public bool Bias { get; init; } = true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank != 4)
            throw new GraphException("a convolution takes [n, channels, height, width]");
        int channels = checked((int)input.Shape[1]);
        var depthwise = new Conv2d(channels, Kernel) { Stride = Stride, Padding = Padding, Groups = channels, Bias = false };
        var mixed = depthwise.Apply(input, context.Inside("depthwise") with { BeforeRelu = false });
        return new Conv2d(Outputs, 1) { Bias = Bias }.Apply(mixed, context.Inside("pointwise"));
    }
}

internal static class Convolutions
{
    public static Tensor Weight(ModuleContext context, long channels, int outputs, int groups, (int? Height, int Width) kernel, Initialiser? initialiser)
    {
        if (groups < 1 || channels % groups != 0 || outputs % groups != 0)
            throw new GraphException($"{channels} channels and {outputs} outputs cannot be divided into {groups} groups");
        long area = (kernel.Height ?? 1L) * kernel.Width;
        Shape shape = kernel.Height is { } height ? Shape.Of(outputs, channels / groups, height, kernel.Width) : Shape.Of(outputs, channels / groups, kernel.Width);
        return context.Parameter("weight", shape, new Fans(channels / groups * area, outputs / groups * area), initialiser);
    }

    public static Tensor WithBias(ModuleContext context, bool bias, Tensor result) =>
        bias ? result + context.Parameter("bias", Shape.Of(result.Shape[1]), default, new Uniformly(0)).AlongChannels(4) : result;
}
