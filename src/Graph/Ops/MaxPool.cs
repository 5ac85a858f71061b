using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>The largest value of each window of [n, c, h, w].</summary>
public sealed record MaxPool(Window2D Window, long Height, long Width) : Op
{
    public override string Name => "MaxPool";

    public static Tensor Apply(Tensor image, (int Height, int Width) kernel, (int Height, int Width) stride, (int Height, int Width) pad)
    {
        if (image.Shape.Rank != 4)
            throw new GraphException($"max pooling takes an image [n, channels, height, width], not {image.Shape}");
        if (pad.Height >= kernel.Height || pad.Width >= kernel.Width)
            throw new GraphException($"max pooling: a padding of {pad} leaves windows of {kernel} without a pixel");
        var window = new Window2D(kernel.Height, kernel.Width, stride.Height, stride.Width, pad.Height, pad.Width);
        var (height, width) = Windows.Output(image.Shape, window, pad.Height, pad.Width);
        return new Node(new MaxPool(window, height, width), [image]).Output;
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) =>
        One(inputs[0].DType, Shape.Of(inputs[0].Shape[0], inputs[0].Shape[1], Height, Width));

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [upstream[0] is { } up ? new Node(new MaxPoolGradient(Window), [node.Inputs[0], up]).Output : null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        Windows.Fold(this, node, inputs, sharded, shards);

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Emit(node,
        new MaxPoolKernel(Window, lowerer.Contiguous(node, node.Inputs[0]), null, lowerer.Target(node.Output)));
}

/// <summary>Gives each window's gradient to its first largest element: inputs image and gradient.</summary>
public sealed record MaxPoolGradient(Window2D Window) : Op
{
    public override string Name => "MaxPool.Gradient";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => [inputs[0]];

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [null, upstream[0] is { } up ? new Node(new MaxPoolTangent(Window, node.Inputs[1].Shape[2], node.Inputs[1].Shape[3]), [node.Inputs[0], up]).Output : null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        Windows.Fold(this, node, inputs, sharded, shards);

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Emit(node, new MaxPoolKernel(
        Window, lowerer.Contiguous(node, node.Inputs[0]), lowerer.Contiguous(node, node.Inputs[1]), lowerer.Target(node.Output)));
}

/// <summary>What another image holds where each window's first largest element lies: adjoint of <see cref="MaxPoolGradient"/>.</summary>
public sealed record MaxPoolTangent(Window2D Window, long Height, long Width) : Op
{
    public override string Name => "MaxPool.Tangent";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) =>
        One(inputs[0].DType, Shape.Of(inputs[0].Shape[0], inputs[0].Shape[1], Height, Width));

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream) =>
        [null, upstream[0] is { } up ? new Node(new MaxPoolGradient(Window), [node.Inputs[0], up]).Output : null];

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        Windows.Fold(this, node, inputs, sharded, shards);

    internal override void Lower(Node node, Lowerer lowerer) => lowerer.Emit(node, new MaxPoolKernel(
        Window, lowerer.Contiguous(node, node.Inputs[0]), null, lowerer.Target(node.Output), lowerer.Contiguous(node, node.Inputs[1])));
}
