using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// One sample's group of planes as the taps walk over them: with zeros around (for the image's gradient also between), so that panels are
/// packed without asking where an image ends. Where no tap leaves the image it is the image itself.
/// </summary>
internal sealed class Planes
{
    private readonly int height, width, top, left, strideHeight, strideWidth;

    private Planes(int count, int height, int width, int paddedHeight, int paddedWidth, int top, int left, int strideHeight, int strideWidth)
    {
        (this.height, this.width, this.top, this.left, this.strideHeight, this.strideWidth) = (height, width, top, left, strideHeight, strideWidth);
        Count = count;
        IsCopy = top != 0 || left != 0 || strideHeight != 1 || strideWidth != 1 || paddedHeight > height || paddedWidth > width;
        (Height, Pitch) = IsCopy ? (paddedHeight, paddedWidth) : (height, width);
    }

    public int Count { get; }

    public int Height { get; }

    /// <summary>Elements from a row to the next.</summary>
    public int Pitch { get; }

    public int PlaneElements => Height * Pitch;

    /// <summary>Whether the planes have to be copied into memory of their own.</summary>
    public bool IsCopy { get; }

    public long Elements => IsCopy ? (long)Count * PlaneElements : 0;

    /// <summary>The image, for taps (kh, kw) at (kh·dilation, kw·dilation) from each window's corner.</summary>
    public static Planes OfImage(Geometry g) => new(g.GroupChannels, g.Height, g.Width,
        (g.OutHeight - 1) * g.Window.StrideHeight + (g.Window.KernelHeight - 1) * g.Window.DilationHeight + 1,
        (g.OutWidth - 1) * g.Window.StrideWidth + (g.Window.KernelWidth - 1) * g.Window.DilationWidth + 1,
        g.Window.PadTop, g.Window.PadLeft, 1, 1);

    /// <summary>The result's gradient, spread out by the stride, for taps turned round.</summary>
    public static Planes OfGradient(Geometry g)
    {
        int reachHeight = (g.Window.KernelHeight - 1) * g.Window.DilationHeight, reachWidth = (g.Window.KernelWidth - 1) * g.Window.DilationWidth;
        return new(g.GroupOutputs, g.OutHeight, g.OutWidth, g.Height + reachHeight, g.Width + reachWidth,
            reachHeight - g.Window.PadTop, reachWidth - g.Window.PadLeft, g.Window.StrideHeight, g.Window.StrideWidth);
    }

    /// <summary>Where tap k, counted over (plane, kh, kw), lies from a window's corner; <paramref name="turned"/>: taps in reverse order.</summary>
    public nint[] Taps(Window2D w, bool turned)
    {
        int taps = w.KernelHeight * w.KernelWidth;
        return [.. Enumerable.Range(0, Count * taps).Select(k =>
        {
            int tap = turned ? taps - 1 - k % taps : k % taps, y = tap / w.KernelWidth, x = tap % w.KernelWidth;
            return (nint)(k / taps) * PlaneElements + y * w.DilationHeight * Pitch + x * w.DilationWidth;
        })];
    }

    /// <summary>Where the corner of each window lies, windows row by row.</summary>
    public nint[] Corners(int rows, int columns, int strideHeight, int strideWidth) =>
        [.. Enumerable.Range(0, rows * columns).Select(p => (nint)(p / columns * strideHeight) * Pitch + p % columns * strideWidth)];

    /// <summary>Copies the planes at <paramref name="source"/> into place, all else zero.</summary>
    public unsafe void Fill<T>(T* source, T* target) where T : unmanaged
    {
        new Span<T>(target, checked((int)Elements)).Clear();
        for (int plane = 0; plane < Count; plane++)
        {
            for (int y = 0; y < height; y++)
            {
                int row = top + y * strideHeight;
                if (row < 0 || row >= Height)
                    continue;
                T* from = source + ((nint)plane * height + y) * width;
                T* to = target + (nint)plane * PlaneElements + (nint)row * Pitch + left;
                int first = left >= 0 ? 0 : (-left + strideWidth - 1) / strideWidth, end = Math.Min(width, (Pitch - left + strideWidth - 1) / strideWidth);
                if (strideWidth == 1)
                {
                    new ReadOnlySpan<T>(from + first, Math.Max(0, end - first)).CopyTo(new Span<T>(to + first, Math.Max(0, end - first)));
                }
                else
                {
                    for (int x = first; x < end; x++)
                        to[(nint)x * strideWidth] = from[x];
                }
            }
        }
    }
}
