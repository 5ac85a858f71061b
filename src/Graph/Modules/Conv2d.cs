using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>[n, c, h, w] → [n, Outputs, h', w'] with square kernels; weight [Outputs, c, Kernel, Kernel], bias [Outputs].</summary>
public sealed record Conv2d(int Outputs, int Kernel) : Module
{
    public int Stride { get; init; } = 1;

    public int Padding { get; init; }

    public bool Bias { get; init; } = true;

    public Initialiser? Initialiser { get; init; }

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank != 4)
            throw new GraphException("a convolution takes [n, channels, height, width]");
        long channels = input.Shape[1], area = (long)Kernel * Kernel;
        var weight = context.Parameter("weight", Shape.Of(Outputs, channels, Kernel, Kernel), new Fans(channels * area, Outputs * area), Initialiser);
        var result = Convolve.Apply(input, weight, (Stride, Stride), (Padding, Padding));
        return Bias ? result + context.Parameter("bias", Shape.Of(Outputs), default, new Uniformly(0)).Reshape(Shape.Of(Outputs, 1, 1)) : result;
    }
}
