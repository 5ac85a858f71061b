using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>The largest of each window of [n, c, h, w]; Stride 0 is the kernel's size.</summary>
public sealed record MaxPool2d(int Kernel) : Module
{
    public int Stride { get; init; }

    public int Padding { get; init; }

    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        int stride = Stride == 0 ? Kernel : Stride;
        return MaxPool.Apply(input, (Kernel, Kernel), (stride, stride), (Padding, Padding));
    }
}

/// <summary>The largest of each window of [n, c, l]; Stride 0 is the kernel's size.</summary>
public sealed record MaxPool1d(int Kernel) : Module
{
    public int Stride { get; init; }

    public int Padding { get; init; }

    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Windows.InOneRow(input, image => MaxPool.Apply(image, (1, Kernel), (1, Stride == 0 ? Kernel : Stride), (0, Padding)));
}

/// <summary>The mean of each window of [n, c, h, w]; Stride 0 is the kernel's size. Padding is left out of the mean unless <c>CountPadding</c>.</summary>
public sealed record AveragePool2d(int Kernel) : Module
{
    public int Stride { get; init; }

    public int Padding { get; init; }

    public bool CountPadding { get; init; }

    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        int stride = Stride == 0 ? Kernel : Stride;
        return SumPool.Average(input, (Kernel, Kernel), (stride, stride), (Padding, Padding), CountPadding);
    }
}

/// <summary>The mean of each window of [n, c, l]; as <see cref="AveragePool2d"/>.</summary>
public sealed record AveragePool1d(int Kernel) : Module
{
    public int Stride { get; init; }

    public int Padding { get; init; }

    public bool CountPadding { get; init; }

    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context) =>
        Windows.InOneRow(input, image => SumPool.Average(image, (1, Kernel), (1, Stride == 0 ? Kernel : Stride), (0, Padding), CountPadding));
}

/// <summary>The mean of each channel: [n, c, …] → [n, c, 1, …].</summary>
public sealed record GlobalAveragePool : Module
{
    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        if (input.Shape.Rank < 3)
            throw new GraphException("global pooling takes [n, channels, …] with something to pool");
        int[] axes = [.. Enumerable.Range(2, input.Shape.Rank - 2)];
        return input.Mean(axes).Reshape(Shape.Of([input.Shape[0], input.Shape[1], .. axes.Select(_ => 1L)]));
    }
}
