using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Two-dimensional cross-correlation or one of its adjoints; see <see cref="ConvolveKernel"/>. <c>Spatial</c> is the result's height and
/// width (of the image for ImageGradient, of the filter for FilterGradient). <c>OverShards</c>: a filter gradient summed over a leading
/// axis of shards, <c>Rounded</c> as <see cref="ShardSum"/> says. <c>Body</c>, where fusion put one, is applied to the result (argument 0) and further inputs.
/// </summary>
public sealed record Convolve(ConvolveForm Form, Window2D Window, int Groups, long Height, long Width, bool OverShards = false, ScalarProgram? Body = null, bool Rounded = false) : Op
{
    public override string Name => (Form == ConvolveForm.Forward ? "Convolve" : $"Convolve.{Form}") + (Body is null ? "" : "+map");

    /// <summary>Image [n, c, h, w] with filter [o, c / groups, kh, kw], padded by <paramref name="pad"/> on every side.</summary>
    public static Tensor Apply(Tensor image, Tensor filter, (int Height, int Width) stride, (int Height, int Width) pad, (int Height, int Width)? dilation = null, int groups = 1)
    {
        if (image.Shape.Rank != 4 || filter.Shape.Rank != 4)
            throw new GraphException($"a convolution takes an image [n, channels, height, width] and a filter [out, channels, kernel, kernel], not {image.Shape} and {filter.Shape}");
        if (image.Shape[1] != filter.Shape[1] * groups || filter.Shape[0] % groups != 0)
            throw new GraphException($"an image with {image.Shape[1]} channels in {groups} groups does not fit a filter of shape {filter.Shape}");
        var (dh, dw) = dilation ?? (1, 1);
        var window = new Window2D((int)filter.Shape[2], (int)filter.Shape[3], stride.Height, stride.Width, pad.Height, pad.Width, dh, dw);
        var (height, width) = Windows.Output(image.Shape, window, pad.Height, pad.Width);
        return new Node(new Convolve(ConvolveForm.Forward, window, groups, height, width), [image, filter]).Output;
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (a, b) = (inputs[0].Shape, inputs[1].Shape);
        if (inputs[0].DType.Computed() != inputs[1].DType.Computed() || !inputs[0].DType.Computed().IsFloat())
            throw new GraphException($"a convolution of {inputs[0]} and {inputs[1]}: both must be of one floating type");
        var shape = Form switch
        {
            ConvolveForm.Forward => Shape.Of(a[0], b[0], Height, Width),
            ConvolveForm.ImageGradient => Shape.Of(a[0], b[1] * Groups, Height, Width),
            _ => Shape.Of([.. a.Dims[..^4][(OverShards ? 1 : 0)..], b[^3], a[^3] / Groups, Height, Width]),
        };
        return One(Body is null ? inputs[0].DType.Computed() : Body.Instructions[Body.Results[0]].Type, shape);
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up)
            return [null, null];
        var (a, b) = (node.Inputs[0], node.Inputs[1]);
        return Form switch
        {
            ConvolveForm.Forward => [Make(ConvolveForm.ImageGradient, up, b, a.Shape), Make(ConvolveForm.FilterGradient, a, up, b.Shape)],
            ConvolveForm.ImageGradient => [Make(ConvolveForm.Forward, up, b, a.Shape), Make(ConvolveForm.FilterGradient, up, a, b.Shape)],
            _ => [Make(ConvolveForm.ImageGradient, b, up, a.Shape), Make(ConvolveForm.Forward, a, up, b.Shape)],
        };

        Tensor Make(ConvolveForm form, Tensor first, Tensor second, Shape like) =>
            new Node(new Convolve(form, Window, Groups, like[^2], like[^1]), [first, second]).Output;
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        if (Form == ConvolveForm.FilterGradient && sharded[0] && sharded[1])
            return new Node(this, inputs, node.Scope).Outputs;
        if (!sharded[0] || sharded[1])
            throw new GraphException($"{Name} with a filter of each shard's own");
        // Shards are more samples of the same convolution.
        var folded = inputs[0].Reshape(Shape.Of([shards.Count * inputs[0].Shape[1], .. inputs[0].Shape.Dims[2..]]));
        var result = new Node(this, [folded, inputs[1]], node.Scope).Output;
        return [result.Reshape(node.Output.Shape.Prepend(shards.Count))];
    }

    internal override void Lower(Node node, Lowerer lowerer)
    {
        var (first, second) = (lowerer.Contiguous(node, node.Inputs[0]), lowerer.Contiguous(node, node.Inputs[1]));
        var target = lowerer.Target(node.Output);
        if (Form == ConvolveForm.FilterGradient && first.Shape.Rank == 5 && !OverShards)
        {
            for (int shard = 0; shard < first.Shape[0]; shard++)
                lowerer.Emit(node, Kernel(Operands.Row(first, shard), Operands.Row(second, shard), Operands.Row(target, shard), [], null, lowerer));
            return;
        }

        ImmutableArray<ShardRange> tree = OverShards ? [new ShardRange(0, (int)first.Shape[0])] : [];
        var c = OverShards ? target with { Shape = target.Shape.Prepend(1), Strides = [0, .. target.Strides] } : target;
        var extras = node.Inputs[2..].Select(i => Operands.Broadcast(lowerer[i], Around(i.Shape, target.Shape))).ToImmutableArray();
        if (new[] { first, second, c }.Any(o => o.DType == DType.BFloat16))
        {
            new HalfProduct(node, lowerer).Emit(Kernel(first, second, c, tree, null, lowerer), Body is null ? null : ScalarBody.Expand(Body), extras);
            return;
        }

        bool fits = Body is not null && Body.Instructions[Body.Results[0]].Type == first.DType && extras.All(WalksPixels);
        lowerer.Emit(node, Kernel(first, second, c, tree, fits ? new Epilogue(ScalarBody.Expand(Body!), extras) : null, lowerer));
        if (Body is null || fits)
            return;
        var common = extras.MaxBy(e => e.Shape.Rank)!.Shape;
        var whole = Operands.Reshape(target, common)!;
        lowerer.Emit(node, new MapKernel(ScalarBody.Expand(Body), [whole, .. extras.Select(e => Operands.Reshape(e, common)!)], [whole]));

        static bool WalksPixels(Operand e) => Operands.Group(e, [.. Enumerable.Range(0, e.Shape.Rank - 2)], [], [e.Shape.Rank - 2, e.Shape.Rank - 1]) is not null;
    }

    // A further input may have the samples' axis split into shards and each one's samples.
    private static Shape Around(Shape input, Shape target) =>
        input.Rank <= target.Rank ? target : Shape.Of([input[0], target[0] / input[0], .. target.Dims[1..]]);

    private ConvolveKernel Kernel(Operand first, Operand second, Operand target, ImmutableArray<ShardRange> tree, Epilogue? epilogue, Lowerer lowerer)
    {
        var (image, filter, result) = Form switch
        {
            ConvolveForm.Forward => (first, second, target),
            ConvolveForm.ImageGradient => (target, second, first),
            _ => (first, target, second),
        };
        var covered = Form == ConvolveForm.ImageGradient ? image.Shape : result.Shape;
        bool winograd = !lowerer.IsStrict && Winograd.Suits(Window, Groups, target.DType.Computed(), filter.Shape, covered[^2], covered[^1]);
        return new ConvolveKernel(Form, Window, Groups, image, filter, result, tree, epilogue, winograd, Rounded);
    }
}
