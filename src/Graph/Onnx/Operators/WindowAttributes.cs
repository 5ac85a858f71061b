using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>One dimension of a window.</summary>
internal readonly record struct WindowAxis(long Kernel, long Stride, long Dilation, long Before, long After)
{
    /// <summary>From the first element that a window meets to the last.</summary>
    public long Extent => (Kernel - 1) * Dilation + 1;
}

/// <summary>What convolutions and poolings say of their windows: kernel_shape, strides, dilations, pads, auto_pad, ceil_mode.</summary>
internal sealed record WindowAttributes(ImmutableArray<WindowAxis> Axes, bool Ceiling = false)
{
    public int Rank => Axes.Length;

    public static WindowAttributes Of(OnnxCall c, ReadOnlySpan<long> image, ReadOnlySpan<long> filter)
    {
        int rank = image.Length;
        long[] kernel = c.Ints("kernel_shape") ?? (filter.Length > 0 ? filter.ToArray() : throw new OnnxException("attribute kernel_shape is missing"));
        long[] strides = c.Ints("strides") ?? Ones(rank), dilations = c.Ints("dilations") ?? Ones(rank), pads = c.Ints("pads") ?? new long[2 * rank];
        Check(rank, kernel, strides, dilations, pads);
        if (filter.Length > 0 && !filter.SequenceEqual(kernel))
            throw new OnnxException($"kernel_shape [{string.Join(", ", kernel)}] and a filter of [{string.Join(", ", filter.ToArray())}] differ");
        string auto = c.Text("auto_pad", "NOTSET");
        var axes = ImmutableArray.CreateBuilder<WindowAxis>();
        for (int i = 0; i < rank; i++)
        {
            var axis = new WindowAxis(kernel[i], strides[i], dilations[i], pads[i], pads[rank + i]);
            if (auto is "SAME_UPPER" or "SAME_LOWER")
            {
                long windows = (image[i] + axis.Stride - 1) / axis.Stride, total = Math.Max(0, (windows - 1) * axis.Stride + axis.Extent - image[i]);
                axis = axis with { Before = auto == "SAME_UPPER" ? total / 2 : total - total / 2, After = auto == "SAME_UPPER" ? total - total / 2 : total / 2 };
            }
            else if (auto == "VALID")
            {
                axis = axis with { Before = 0, After = 0 };
            }

            axes.Add(axis);
        }

        return new WindowAttributes(axes.ToImmutable(), c.Flag("ceil_mode"));
    }

    public static (WindowAttributes Window, long[] Output) OfTransposed(OnnxCall c, ReadOnlySpan<long> image, ReadOnlySpan<long> filter)
    {
        int rank = image.Length;
        long[] strides = c.Ints("strides") ?? Ones(rank), dilations = c.Ints("dilations") ?? Ones(rank), pads = c.Ints("pads") ?? new long[2 * rank];
        long[] more = c.Ints("output_padding") ?? new long[rank], kernel = filter.ToArray(), output = new long[rank];
        long[]? given = c.Ints("output_shape");
        Check(rank, kernel, strides, dilations, pads);
        string auto = c.Text("auto_pad", "NOTSET");
        // A whole shape [n, channels, …] is allowed too.
        if (given is not null && given.Length == rank + 2)
            given = given[2..];
        if (more.Length != rank || (given is not null && given.Length != rank))
            throw new OnnxException($"output_padding or output_shape are not of {rank} dimensions");
        var axes = ImmutableArray.CreateBuilder<WindowAxis>();
        for (int i = 0; i < rank; i++)
        {
            var axis = new WindowAxis(kernel[i], strides[i], dilations[i], pads[i], pads[rank + i]);
            long full = axis.Stride * (image[i] - 1) + more[i] + axis.Extent;
            if (given is not null || auto is "SAME_UPPER" or "SAME_LOWER")
            {
                output[i] = given?[i] ?? image[i] * axis.Stride;
                long total = Math.Max(0, full - output[i]), half = total / 2;
                axis = axis with { Before = auto == "SAME_UPPER" ? half : total - half, After = auto == "SAME_UPPER" ? total - half : half };
            }
            else
            {
                output[i] = auto == "VALID" ? full : full - axis.Before - axis.After;
                axis = auto == "VALID" ? axis with { Before = 0, After = 0 } : axis;
            }

            if (output[i] < 0)
                throw new OnnxException($"dimension {i} of the result would be {output[i]}");
            axes.Add(axis);
        }

        return (new WindowAttributes(axes.ToImmutable()), output);
    }

    /// <summary>How many windows there are along a dimension of that size.</summary>
    public long Output(int i, long size)
    {
        var axis = Axes[i];
        long free = size + axis.Before + axis.After - axis.Extent;
        if (free < 0)
            throw new OnnxException($"a window of {axis.Extent} does not fit in {size} with {axis.Before} and {axis.After} more");
        long windows = (Ceiling ? (free + axis.Stride - 1) / axis.Stride : free / axis.Stride) + 1;
        // The last window must begin within the image or the padding before it.
        return Ceiling && (windows - 1) * axis.Stride >= size + axis.Before ? windows - 1 : windows;
    }

    /// <summary>The padding behind that gives so many windows: as much as before where that does, else the least.</summary>
    public static long Behind(long windows, long stride, long extent, long size, long before) =>
        size + 2 * before >= extent && (size + 2 * before - extent) / stride + 1 == windows ? before : Math.Max(0, (windows - 1) * stride + extent - size - before);

    /// <summary>The smallest dimension that so many windows need, padding left out.</summary>
    public long Input(int i, long windows) => Axes[i].Stride * (windows - 1) + Axes[i].Extent;

    public WindowAttributes Unpadded() => this with { Axes = [.. Axes.Select(a => a with { Before = 0, After = 0 })] };

    public WindowAttributes Prepend() => this with { Axes = [new WindowAxis(1, 1, 1, 0, 0), .. Axes] };

    public (WindowAxis Axis, WindowAttributes Inner) Outermost() => (Axes[0], this with { Axes = Axes.RemoveAt(0) });

    public Window2D ToWindow2D() => new(checked((int)Axes[0].Kernel), checked((int)Axes[1].Kernel), checked((int)Axes[0].Stride), checked((int)Axes[1].Stride),
        checked((int)Axes[0].Before), checked((int)Axes[1].Before), checked((int)Axes[0].Dilation), checked((int)Axes[1].Dilation));

    /// <summary>Padding below zero takes elements away.</summary>
    public Tensor CutNegativePadding(Tensor x, out WindowAttributes window)
    {
        window = this with { Axes = [.. Axes.Select(a => a with { Before = Math.Max(0, a.Before), After = Math.Max(0, a.After) })] };
        if (Axes.All(a => a.Before >= 0 && a.After >= 0))
            return x;
        return Padding.WithValue(x, [0, 0, .. Axes.Select(a => Math.Min(0, a.Before))], [0, 0, .. Axes.Select(a => Math.Min(0, a.After))], x.Like(0));
    }

    private static long[] Ones(int rank) => [.. Enumerable.Repeat(1L, rank)];

    private static void Check(int rank, long[] kernel, long[] strides, long[] dilations, long[] pads)
    {
        if (kernel.Length != rank || strides.Length != rank || dilations.Length != rank || pads.Length != 2 * rank)
            throw new OnnxException($"kernel, strides, dilations and pads are not all of {rank} dimensions");
        if (kernel.Concat(strides).Concat(dilations).Any(n => n is < 1 or > int.MaxValue) || pads.Any(n => Math.Abs(n) > int.MaxValue))
            throw new OnnxException("kernel, strides and dilations are at least 1");
    }
}
