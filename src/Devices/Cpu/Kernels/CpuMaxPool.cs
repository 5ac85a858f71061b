using System.Numerics;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Max pooling, plane by plane.</summary>
internal abstract unsafe class CpuMaxPool : CpuKernel
{
    private readonly Work work;

    protected CpuMaxPool(MaxPoolKernel kernel, Operand small, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        foreach (var operand in kernel.Inputs.Concat(kernel.Outputs))
        {
            if (!operand.IsContiguous || operand.Shape.Rank != 4)
                throw new NotSupportedException($"max pooling takes contiguous [n, c, h, w], not {operand.Shape} with strides {string.Join(", ", operand.Strides)}");
        }

        work = context.Work;
        (Window, Image) = (kernel.Window, (nint)Address(kernel.Image, blocks));
        var (image, result) = (kernel.Image.Shape, small.Shape);
        Planes = image[0] * image[1];
        (Height, Width, OutHeight, OutWidth) = ((int)image[2], (int)image[3], (int)result[2], (int)result[3]);
    }

    protected Window2D Window { get; }

    protected nint Image { get; }

    protected long Planes { get; }

    protected int Height { get; }

    protected int Width { get; }

    protected int OutHeight { get; }

    protected int OutWidth { get; }

    /// <summary>Whether windows are 2 × 2, side by side and all within the image.</summary>
    protected bool IsHalving => Window == new Window2D(2, 2, 2, 2) && 2 * OutHeight <= Height && 2 * OutWidth <= Width;

    public static CpuKernel Compile(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) => (kernel.Image.DType, kernel.Gradient) switch
    {
        (DType.Float32, null) => new CpuMaxPoolForward<float>(kernel, blocks, context),
        (DType.Float64, null) => new CpuMaxPoolForward<double>(kernel, blocks, context),
        (DType.Float32, _) => new CpuMaxPoolGradient<float>(kernel, blocks, context),
        (DType.Float64, _) => new CpuMaxPoolGradient<double>(kernel, blocks, context),
        _ => throw new NotSupportedException($"max pooling takes floating numbers, not {kernel.Image.DType}"),
    };

    public override int Parts(int threads)
    {
        long points = Planes * Height * Width;
        return work.Parts(points, 8, threads, most: Planes);
    }

    /// <summary>Rows or columns of a window that lie inside: the first tap and the one after the last.</summary>
    protected static (int First, int End) Taps(int origin, int taps, int dilation, int size)
    {
        int first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
        int end = origin >= size ? 0 : Math.Min(taps, (size - 1 - origin) / dilation + 1);
        return (first, Math.Max(first, end));
    }
}

internal sealed unsafe class CpuMaxPoolForward<T>(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) : CpuMaxPool(kernel, kernel.Target, blocks, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Planes, 1, part, parts);
        bool halving = IsHalving && typeof(T) == typeof(float) && OutWidth >= Halving.Lanes;
        for (long plane = first; plane < end; plane++)
        {
            T* image = (T*)Image + plane * Height * Width;
            T* result = (T*)target + plane * OutHeight * OutWidth;
            if (halving)
                Halving.Forward((float*)image, Width, (float*)result, OutHeight, OutWidth);
            else
                Plane(image, result);
        }
    }

    private void Plane(T* image, T* result)
    {
        for (int y = 0; y < OutHeight; y++)
        {
            int top = y * Window.StrideHeight - Window.PadTop;
            var (kh0, kh1) = Taps(top, Window.KernelHeight, Window.DilationHeight, Height);
            for (int x = 0; x < OutWidth; x++)
            {
                int left = x * Window.StrideWidth - Window.PadLeft;
                var (kw0, kw1) = Taps(left, Window.KernelWidth, Window.DilationWidth, Width);
                var best = T.NegativeInfinity;
                for (int kh = kh0; kh < kh1; kh++)
                {
                    T* row = image + (long)(top + kh * Window.DilationHeight) * Width + left;
                    for (int kw = kw0; kw < kw1; kw++)
                        best = T.Max(best, row[kw * Window.DilationWidth]);
                }

                *result++ = best;
            }
        }
    }
}

internal sealed unsafe class CpuMaxPoolGradient<T>(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) : CpuMaxPool(kernel, kernel.Gradient!, blocks, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint gradient = (nint)Address(kernel.Gradient!, blocks);
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Planes, 1, part, parts);
        bool halving = IsHalving && typeof(T) == typeof(float) && OutWidth >= Halving.Lanes;
        for (long plane = first; plane < end; plane++)
        {
            T* image = (T*)Image + plane * Height * Width;
            T* result = (T*)gradient + plane * OutHeight * OutWidth;
            T* into = (T*)target + plane * Height * Width;

            // Windows cover an even image wholly; anything else has points that no window writes.
            if (!halving || 2 * OutHeight < Height || 2 * OutWidth < Width)
                new Span<T>(into, Height * Width).Clear();
            if (halving)
                Halving.Gradient((float*)image, Width, (float*)result, OutHeight, OutWidth, (float*)into);
            else
                Plane(image, result, into);
        }
    }

    private void Plane(T* image, T* result, T* into)
    {
        for (int y = 0; y < OutHeight; y++)
        {
            int top = y * Window.StrideHeight - Window.PadTop;
            var (kh0, kh1) = Taps(top, Window.KernelHeight, Window.DilationHeight, Height);
            for (int x = 0; x < OutWidth; x++, result++)
            {
                int left = x * Window.StrideWidth - Window.PadLeft;
                var (kw0, kw1) = Taps(left, Window.KernelWidth, Window.DilationWidth, Width);
                long at = -1;
                for (int kh = kh0; kh < kh1; kh++)
                {
                    long row = (long)(top + kh * Window.DilationHeight) * Width + left;
                    for (int kw = kw0; kw < kw1; kw++)
                    {
                        long here = row + kw * Window.DilationWidth;
                        if (at < 0 || image[here] > image[at] || (T.IsNaN(image[here]) && !T.IsNaN(image[at])))
                            at = here;
                    }
                }

                if (at >= 0)
                    into[at] += *result;
            }
        }
    }
}
