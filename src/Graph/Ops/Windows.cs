using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>What convolution and pooling share: how many windows fit, and that shards are more samples.</summary>
internal static class Windows
{
    public static (long Height, long Width) Output(Shape image, Window2D window, int padBottom, int padRight)
    {
        if (window is { KernelHeight: < 1 } or { KernelWidth: < 1 } or { StrideHeight: < 1 } or { StrideWidth: < 1 } or { DilationHeight: < 1 } or { DilationWidth: < 1 }
            || window.PadTop < 0 || window.PadLeft < 0)
            throw new GraphException($"kernel, stride and dilation are at least 1 and padding at least 0: {window}");
        return (One(image[^2], window.KernelHeight, window.StrideHeight, window.PadTop + padBottom, window.DilationHeight),
            One(image[^1], window.KernelWidth, window.StrideWidth, window.PadLeft + padRight, window.DilationWidth));

        long One(long size, int kernel, int stride, int pad, int dilation)
        {
            long free = size + pad - ((kernel - 1) * (long)dilation + 1);
            return free >= 0 ? free / stride + 1
                : throw new GraphException($"a window of {window.KernelHeight}×{window.KernelWidth} does not fit in an image of {image[^2]}×{image[^1]}");
        }
    }

    /// <summary>Does to [n, c, l] what is said for images of one row.</summary>
    public static Tensor InOneRow(Tensor input, Func<Tensor, Tensor> apply)
    {
        if (input.Shape.Rank != 3)
            throw new GraphException("a one-dimensional window takes [n, channels, length]");
        var result = apply(input.Reshape(Shape.Of(input.Shape[0], input.Shape[1], 1, input.Shape[2])));
        return result.Reshape(result.Shape.RemoveAt(2));
    }

    public static ImmutableArray<Tensor> Fold(Op op, Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards)
    {
        var folded = inputs.Select((t, i) => (sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))
            .Reshape(node.Inputs[i].Shape.With(0, shards.Count * node.Inputs[i].Shape[0])));
        return [new Node(op, [.. folded], node.Scope).Output.Reshape(node.Output.Shape.Prepend(shards.Count))];
    }
}
