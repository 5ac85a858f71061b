using System.Runtime.CompilerServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// Packs what the pixels of a panel see through the taps, straight from the image: a row for each (channel, kh, kw), a column for each
/// pixel. The whole unfolded image is never in memory.
/// </summary>
internal static unsafe class PixelPanel
{
    /// <summary>For a result's pixels <paramref name="pixel"/>…: the image under each tap, zeros outside.</summary>
    /// <param name="image">The first channel of the group.</param>
    /// <param name="step">First row of the panel, counted over (channel, kh, kw).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<T>(Geometry g, T* image, int step, int steps, int pixel, int pixels, int width, T* panel) where T : unmanaged
    {
        var w = g.Window;
        for (int k = step; k < step + steps; k++, panel += width)
        {
            int channel = k / g.Taps, kh = k % g.Taps / w.KernelWidth, kw = k % w.KernelWidth;
            T* plane = image + (nint)channel * g.Pixels;
            // Columns of the result whose tap falls inside the image.
            int shift = kw * w.DilationWidth - w.PadLeft;
            int low = shift >= 0 ? 0 : (-shift + w.StrideWidth - 1) / w.StrideWidth;
            int high = Math.Clamp((g.Width - 1 - shift + w.StrideWidth) / w.StrideWidth, 0, g.OutWidth);
            T* to = panel;
            int oh = pixel / g.OutWidth, ow = pixel % g.OutWidth, left = pixels;
            while (left > 0)
            {
                int run = Math.Min(left, g.OutWidth - ow), ih = oh * w.StrideHeight + kh * w.DilationHeight - w.PadTop;
                if ((uint)ih >= (uint)g.Height)
                    new Span<T>(to, run).Clear();
                else
                    Row(plane + (nint)ih * g.Width + shift, ow, run, low, high, w.StrideWidth, to);
                to += run;
                (left, oh, ow) = (left - run, oh + 1, 0);
            }

            for (int j = pixels; j < width; j++)
                panel[j] = default;
        }
    }

    /// <summary>For an image's pixels: the result's gradient that reaches them through each tap, zeros where none does.</summary>
    /// <param name="gradient">The first output channel of the group.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<T>(Geometry g, T* gradient, int step, int steps, int pixel, int pixels, int width, T* panel) where T : unmanaged
    {
        var w = g.Window;
        for (int k = step; k < step + steps; k++, panel += width)
        {
            int channel = k / g.Taps, kh = k % g.Taps / w.KernelWidth, kw = k % w.KernelWidth;
            T* plane = gradient + (nint)channel * g.OutPixels;
            int shift = w.PadLeft - kw * w.DilationWidth;
            T* to = panel;
            int ih = pixel / g.Width, iw = pixel % g.Width, left = pixels;
            while (left > 0)
            {
                int run = Math.Min(left, g.Width - iw), from = ih + w.PadTop - kh * w.DilationHeight, oh = from / w.StrideHeight;
                if (from < 0 || from % w.StrideHeight != 0 || oh >= g.OutHeight)
                    new Span<T>(to, run).Clear();
                else if (w.StrideWidth == 1)
                    Row(plane + (nint)oh * g.OutWidth + shift, iw, run, Math.Max(0, -shift), Math.Clamp(g.OutWidth - shift, 0, g.Width), 1, to);
                else
                    Strided(plane + (nint)oh * g.OutWidth, iw + shift, run, w.StrideWidth, g.OutWidth, to);
                to += run;
                (left, ih, iw) = (left - run, ih + 1, 0);
            }

            for (int j = pixels; j < width; j++)
                panel[j] = default;
        }
    }

    /// <summary>Elements first … first + count of a row, those outside [low, high) zero; element x lies at row[x · stride].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<T>(T* row, int first, int count, int low, int high, int stride, T* to) where T : unmanaged
    {
        int from = Math.Clamp(low - first, 0, count), until = Math.Clamp(high - first, from, count);
        for (int i = 0; i < from; i++)
            to[i] = default;
        if (stride == 1)
        {
            Packing.Copy(row + first + from, to + from, until - from);
        }
        else
        {
            for (int i = from; i < until; i++)
                to[i] = row[(nint)(first + i) * stride];
        }

        for (int i = until; i < count; i++)
            to[i] = default;
    }

    private static void Strided<T>(T* row, int first, int count, int stride, int length, T* to) where T : unmanaged
    {
        for (int i = 0; i < count; i++)
        {
            int from = first + i;
            to[i] = from >= 0 && from % stride == 0 && from / stride < length ? row[from / stride] : default;
        }
    }
}
