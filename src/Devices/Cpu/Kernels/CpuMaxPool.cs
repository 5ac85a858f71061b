using System.Numerics;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

internal static class CpuMaxPool
{
    public static CpuKernel Compile(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) => kernel.Image.DType switch
    {
        DType.Float32 => Compile<float>(kernel, blocks, context),
        DType.Float64 => Compile<double>(kernel, blocks, context),
        _ => throw new NotSupportedException($"max pooling takes floating numbers, not {kernel.Image.DType}"),
    };

    private static CpuKernel Compile<T>(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        kernel.Gradient is { } gradient ? new CpuMaxPoolGradient<T>(kernel, gradient, blocks, context)
        : kernel.Tangent is { } tangent ? new CpuMaxPoolTangent<T>(kernel, tangent, blocks, context)
        : new CpuMaxPoolForward<T>(kernel, blocks, context);
}

internal abstract unsafe class CpuMaxPool<T>(MaxPoolKernel kernel, Operand result, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuPool(kernel, kernel.Window, kernel.Image, result, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint image = (nint)Address(kernel.Image, blocks);

    /// <summary>Whether windows are 2 × 2 of floats, side by side and all within the image.</summary>
    protected bool IsHalving { get; } = typeof(T) == typeof(float) && kernel.Window == new Window2D(2, 2, 2, 2)
        && 2 * result.Shape[2] <= kernel.Image.Shape[2] && 2 * result.Shape[3] <= kernel.Image.Shape[3] && result.Shape[3] >= Halving.Lanes;

    protected T* Image(long plane) => (T*)image + plane * Size;

    /// <summary>Where in a plane the first largest element of a window lies; −1 where the window lies outside.</summary>
    protected long Largest(T* plane, int y, int x)
    {
        int top = y * Window.StrideHeight - Window.PadTop, left = x * Window.StrideWidth - Window.PadLeft;
        var (kh0, kh1) = Taps(top, Window.KernelHeight, Window.DilationHeight, Height);
        var (kw0, kw1) = Taps(left, Window.KernelWidth, Window.DilationWidth, Width);
        long at = -1;
        for (int kh = kh0; kh < kh1; kh++)
        {
            long row = (long)(top + kh * Window.DilationHeight) * Width + left;
            for (int kw = kw0; kw < kw1; kw++)
            {
                long here = row + kw * Window.DilationWidth;
                if (at < 0 || plane[here] > plane[at] || (T.IsNaN(plane[here]) && !T.IsNaN(plane[at])))
                    at = here;
            }
        }

        return at;
    }
}

internal sealed unsafe class CpuMaxPoolForward<T>(MaxPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuMaxPool<T>(kernel, kernel.Target, blocks, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    protected override void Plane(long plane)
    {
        T* image = Image(plane), result = (T*)target + plane * OutSize;
        if (IsHalving)
        {
            Halving.Forward((float*)image, Width, (float*)result, OutHeight, OutWidth);
            return;
        }

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

internal sealed unsafe class CpuMaxPoolGradient<T>(MaxPoolKernel kernel, Operand gradient, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuMaxPool<T>(kernel, gradient, blocks, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint gradient = (nint)Address(gradient, blocks);
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    protected override void Plane(long plane)
    {
        T* image = Image(plane), result = (T*)gradient + plane * OutSize, into = (T*)target + plane * Size;

        // Windows cover an even image wholly; anything else has points that no window writes.
        if (!IsHalving || 2 * OutHeight < Height || 2 * OutWidth < Width)
            NativeMemory.Clear(into, (nuint)(Size * sizeof(T)));
        if (IsHalving)
        {
            Halving.Gradient((float*)image, Width, (float*)result, OutHeight, OutWidth, (float*)into);
            return;
        }

        for (int y = 0; y < OutHeight; y++)
        {
            for (int x = 0; x < OutWidth; x++, result++)
            {
                if (Largest(image, y, x) is >= 0 and var at)
                    into[at] += *result;
            }
        }
    }
}

internal sealed unsafe class CpuMaxPoolTangent<T>(MaxPoolKernel kernel, Operand tangent, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuMaxPool<T>(kernel, kernel.Target, blocks, context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly nint tangent = (nint)Address(tangent, blocks);
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    protected override void Plane(long plane)
    {
        T* image = Image(plane), from = (T*)tangent + plane * Size, result = (T*)target + plane * OutSize;
        for (int y = 0; y < OutHeight; y++)
        {
            for (int x = 0; x < OutWidth; x++)
                *result++ = Largest(image, y, x) is >= 0 and var at ? from[at] : T.Zero;
        }
    }
}
