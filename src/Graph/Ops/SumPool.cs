using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>The sum of each window of [n, c, h, w], or its adjoint; <c>Height</c> and <c>Width</c> are the result's. See <see cref="SumPoolKernel"/>.</summary>
public sealed record SumPool(Window2D Window, bool Adjoint, long Height, long Width) : Op
{
    public override string Name => Adjoint ? "SumPool.Adjoint" : "SumPool";

    public static Tensor Apply(Tensor image, (int Height, int Width) kernel, (int Height, int Width) stride, (int Height, int Width) pad)
    {
        if (image.Shape.Rank != 4 || !image.DType.IsFloat())
            throw new GraphException($"pooling takes an image [n, channels, height, width], not {image.Type}");
        var window = new Window2D(kernel.Height, kernel.Width, stride.Height, stride.Width, pad.Height, pad.Width);
        var (height, width) = Windows.Output(image.Shape, window, pad.Height, pad.Width);
        return new Node(new SumPool(window, false, height, width), [image]).Output;
    }

    /// <summary>The mean of each window; padding counts as zeros or, unless <paramref name="countPadding"/>, not at all.</summary>
    public static Tensor Average(Tensor image, (int Height, int Width) kernel, (int Height, int Width) stride, (int Height, int Width) pad, bool countPadding)
    {
        if (pad.Height >= kernel.Height || pad.Width >= kernel.Width)
            throw new GraphException($"average pooling: a padding of {pad} leaves windows of {kernel} without a pixel");
        var sums = Apply(image, kernel, stride, pad);
        if (countPadding || pad == (0, 0))
            return sums * (1.0 / (kernel.Height * kernel.Width));
        var rows = Within(image.Shape[2], sums.Shape[2], kernel.Height, stride.Height, pad.Height);
        var columns = Within(image.Shape[3], sums.Shape[3], kernel.Width, stride.Width, pad.Width);
        double[] factors = [.. rows.SelectMany(r => columns.Select(c => 1.0 / (r * c)))];
        var shape = Shape.Of(rows.Length, columns.Length);
        return sums * (image.DType == DType.Float64 ? Constant.Create<double>(factors, shape) : Constant.Create<float>([.. factors.Select(f => (float)f)], shape));

        // How much of each window lies inside.
        static long[] Within(long size, long windows, int kernel, int stride, int pad) =>
            [.. Enumerable.Range(0, (int)windows).Select(i => Math.Min(size, (long)i * stride - pad + kernel) - Math.Max(0, (long)i * stride - pad))];
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) =>
        One(inputs[0].DType, Shape.Of(inputs[0].Shape[0], inputs[0].Shape[1], Height, Width));

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0] is { } up ? new Node(new SumPool(Window, !Adjoint, node.Inputs[0].Shape[2], node.Inputs[0].Shape[3]), [up]).Output : null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        Windows.Fold(this, node, inputs, sharded, shards);

    internal override void Lower(Node node, Lowerer lowerer) =>
        lowerer.Emit(node, new SumPoolKernel(Window, Adjoint, lowerer.Contiguous(node, node.Inputs[0]), lowerer.Target(node.Output)));
}
