using System.Runtime.CompilerServices;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Packs patches for the filter's gradient: a row for each pixel of the result, a column for each (channel, kh, kw).</summary>
internal static unsafe class PatchPanel
{
    /// <param name="image">The first channel of the group in one sample.</param>
    /// <param name="pixel">First pixel of the result.</param>
    /// <param name="column">First column, counted over (channel, kh, kw).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack<T>(Geometry g, T* image, int pixel, int pixels, int column, int columns, int width, T* panel) where T : unmanaged
    {
        var w = g.Window;
        int kernelWidth = w.KernelWidth;
        for (int j = columns; j < width; j++)
        {
            for (int p = 0; p < pixels; p++)
                panel[(nint)p * width + j] = default;
        }

        // Along a row of the kernel the taps lie side by side in the image; a run ends with that row or with the panel.
        for (int j = 0; j < columns;)
        {
            int at = column + j, channel = at / g.Taps, kh = at % g.Taps / kernelWidth, kw = at % kernelWidth, run = Math.Min(columns - j, kernelWidth - kw);
            T* plane = image + (nint)channel * g.Pixels;
            T* to = panel + j;
            int oh = pixel / g.OutWidth, ow = pixel % g.OutWidth;
            for (int p = 0; p < pixels; p++, to += width)
            {
                int ih = oh * w.StrideHeight + kh * w.DilationHeight - w.PadTop, iw = ow * w.StrideWidth + kw * w.DilationWidth - w.PadLeft;
                T* from = plane + (nint)ih * g.Width + iw;
                if ((uint)ih >= (uint)g.Height)
                {
                    for (int i = 0; i < run; i++)
                        to[i] = default;
                }
                else if (iw >= 0 && iw + (run - 1) * w.DilationWidth < g.Width)
                {
                    Taps(from, run, w.DilationWidth, to);
                }
                else
                {
                    for (int i = 0; i < run; i++)
                        to[i] = (uint)(iw + i * w.DilationWidth) < (uint)g.Width ? from[i * w.DilationWidth] : default;
                }

                if (++ow == g.OutWidth)
                    (oh, ow) = (oh + 1, 0);
            }

            j += run;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Taps<T>(T* from, int run, int dilation, T* to) where T : unmanaged
    {
        // The usual kernels are 1, 3 and 5 wide; written out they cost a load and a store a tap.
        if (dilation == 1 && run == 5)
        {
            (to[0], to[1], to[2], to[3], to[4]) = (from[0], from[1], from[2], from[3], from[4]);
        }
        else if (dilation == 1 && run == 3)
        {
            (to[0], to[1], to[2]) = (from[0], from[1], from[2]);
        }
        else
        {
            for (int i = 0; i < run; i++)
                to[i] = from[i * dilation];
        }
    }
}
