using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

internal static class ReferenceConvolve
{
    public static void Run(ConvolveKernel kernel, IReadOnlyList<BlockAddress> blocks)
    {
        var (image, filter, result) = (new ReferenceView(kernel.Image, blocks), new ReferenceView(kernel.Filter, blocks), new ReferenceView(kernel.Result, blocks));
        var target = new ReferenceView(kernel.Target, blocks);
        var finish = new ReferenceEpilogue(kernel.Epilogue, blocks);
        var winograd = kernel.Winograd ? new ReferenceWinograd(kernel, image, filter, result) : null;
        foreach (var index in ReferenceView.Indices(target.Shape))
        {
            var sum = kernel.Form switch
            {
                ConvolveForm.Forward => winograd?.Forward(index) ?? Forward(kernel, image, filter, index),
                ConvolveForm.ImageGradient => winograd?.ImageGradient(index) ?? ImageGradient(kernel, filter, result, index),
                _ when kernel.Tree.IsEmpty => Filter([], index),
                _ => ReferenceBackend.Sum(kernel.Tree[(int)index[0]], kernel.Rounded, shard => Filter([shard], index[1..])),
            };
            target[index] = finish.Apply(sum, index);
        }

        Value Filter(long[] shard, long[] at) => winograd?.FilterGradient(shard, at) ?? FilterGradient(kernel, image, result, shard, at);
    }

    private static Value Forward(ConvolveKernel kernel, ReferenceView image, ReferenceView filter, long[] at)
    {
        var (n, o, y, x) = (at[0], at[1], at[2], at[3]);
        var taps = filter.Shape.Slice(1, 3);
        long group = o / (filter.Shape[0] / kernel.Groups);
        return ReferenceContract.Chain(image.Type, taps.Count, k =>
        {
            var t = ReferenceView.Unflatten(k, taps);
            return (Padded(kernel.Window, image, [n, group * taps[0] + t[0]], y, x, t[1], t[2]), filter[o, t[0], t[1], t[2]]);
        });
    }

    private static Value ImageGradient(ConvolveKernel kernel, ReferenceView filter, ReferenceView result, long[] at)
    {
        var (n, c, h, w) = (at[0], at[1], at[2], at[3]);
        var window = kernel.Window;
        long outputs = filter.Shape[0] / kernel.Groups, group = c / filter.Shape[1];
        var sum = Value.Zero(result.Type);
        for (long kh = 0; kh < filter.Shape[2]; kh++)
        {
            for (long kw = 0; kw < filter.Shape[3]; kw++)
            {
                long y = h + window.PadTop - kh * window.DilationHeight, x = w + window.PadLeft - kw * window.DilationWidth;
                if (y < 0 || x < 0 || y % window.StrideHeight != 0 || x % window.StrideWidth != 0)
                    continue;
                (y, x) = (y / window.StrideHeight, x / window.StrideWidth);
                if (y >= result.Shape[2] || x >= result.Shape[3])
                    continue;
                long first = group * outputs;
                sum += ReferenceContract.Chain(result.Type, outputs, o => (result[n, first + o, y, x], filter[first + o, c % filter.Shape[1], kh, kw]));
            }
        }

        return sum;
    }

    private static Value FilterGradient(ConvolveKernel kernel, ReferenceView image, ReferenceView result, long[] shard, long[] at)
    {
        var (o, c, kh, kw) = (at[0], at[1], at[2], at[3]);
        int lead = shard.Length;
        long samples = result.Shape[lead], outputs = result.Shape[lead + 1];
        long perGroup = image.Shape[lead + 1] / kernel.Groups, channel = o / (outputs / kernel.Groups) * perGroup + c;
        var points = Shape.Of(samples, result.Shape[lead + 2], result.Shape[lead + 3]);
        return ReferenceContract.Chain(image.Type, points.Count, k =>
        {
            var p = ReferenceView.Unflatten(k, points);
            return (Padded(kernel.Window, image, [.. shard, p[0], channel], p[1], p[2], kh, kw), result[[.. shard, p[0], o, p[1], p[2]]]);
        });
    }

    private static Value Padded(Window2D window, ReferenceView image, long[] plane, long y, long x, long kh, long kw)
    {
        long h = y * window.StrideHeight - window.PadTop + kh * window.DilationHeight;
        long w = x * window.StrideWidth - window.PadLeft + kw * window.DilationWidth;
        return h < 0 || w < 0 || h >= image.Shape[^2] || w >= image.Shape[^1] ? Value.Zero(image.Type) : image[[.. plane, h, w]];
    }
}
