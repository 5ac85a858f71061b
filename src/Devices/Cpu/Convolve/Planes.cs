using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// One sample's group of image planes as the taps walk over them: with zeros around, so that panels are packed without asking where
/// the image ends. Where no tap leaves the image it is the image itself.
/// </summary>
internal sealed class Planes
{
    private readonly Geometry geometry;
    private readonly int height;

    public Planes(Geometry geometry)
    {
        this.geometry = geometry;
        var w = geometry.Window;
        int reachedHeight = (geometry.OutHeight - 1) * w.StrideHeight + (w.KernelHeight - 1) * w.DilationHeight + 1;
        int reachedWidth = (geometry.OutWidth - 1) * w.StrideWidth + (w.KernelWidth - 1) * w.DilationWidth + 1;
        IsCopy = w.PadTop != 0 || w.PadLeft != 0 || reachedHeight > geometry.Height || reachedWidth > geometry.Width;
        (height, Pitch) = IsCopy ? (reachedHeight, reachedWidth) : (geometry.Height, geometry.Width);
    }

    /// <summary>Elements from a row to the next.</summary>
    public int Pitch { get; }

    /// <summary>Whether the planes have to be copied into memory of their own.</summary>
    public bool IsCopy { get; }

    public int PlaneElements => checked(height * Pitch);

    /// <summary>Memory for a copy, with what panels may read over its end.</summary>
    public long Bytes(int size) => IsCopy ? ((long)geometry.GroupChannels * PlaneElements * size + Panels.OverrunBytes + 63) / 64 * 64 : 0;

    /// <summary>Where tap k, counted over (channel, kh, kw), lies from a window's corner.</summary>
    public nint[] Taps()
    {
        var w = geometry.Window;
        return [.. Enumerable.Range(0, geometry.GroupChannels * geometry.Taps).Select(k =>
        {
            int tap = k % geometry.Taps, kh = tap / w.KernelWidth, kw = tap % w.KernelWidth;
            return (nint)(k / geometry.Taps) * PlaneElements + kh * w.DilationHeight * Pitch + kw * w.DilationWidth;
        })];
    }

    /// <summary>Where the corner of each window lies, windows row by row.</summary>
    public nint[] Corners() => [.. Enumerable.Range(0, geometry.OutPixels).Select(p =>
        (nint)(p / geometry.OutWidth * geometry.Window.StrideHeight) * Pitch + p % geometry.OutWidth * geometry.Window.StrideWidth)];

    /// <summary>Copies the planes at <paramref name="source"/> into place, all else zero.</summary>
    public unsafe void Fill(byte* source, byte* target, int size) => Fill(source, target, size, 0, geometry.GroupChannels);

    /// <summary>The same for <paramref name="count"/> planes from the given one; what lies where the others belong is left as it is.</summary>
    public unsafe void Fill(byte* source, byte* target, int size, int first, int count)
    {
        NativeMemory.Clear(target + (nint)first * PlaneElements * size, (nuint)count * (nuint)PlaneElements * (nuint)size);
        Copy(source, target, size, first, count);
    }

    /// <summary>The same where all else is zero already.</summary>
    public unsafe void Copy(byte* source, byte* target, int size, int first, int count)
    {
        var w = geometry.Window;
        // What no window reaches is left out.
        int rows = Math.Min(geometry.Height, height - w.PadTop), columns = Math.Max(0, Math.Min(geometry.Width, Pitch - w.PadLeft));
        for (int plane = first; plane < first + count; plane++)
        {
            for (int y = 0; y < rows; y++)
            {
                byte* from = source + ((nint)plane * geometry.Height + y) * geometry.Width * size;
                byte* to = target + ((nint)plane * PlaneElements + (nint)(y + w.PadTop) * Pitch + w.PadLeft) * size;
                Row(from, to, columns * size);
            }
        }
    }

    /// <summary>Short rows are what small images are made of, so no call for them; the last piece may begin before the one before it ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Row(byte* from, byte* to, int bytes)
    {
        const int piece = 16, few = 4 * piece;
        if (bytes is < piece or > few)
        {
            new ReadOnlySpan<byte>(from, bytes).CopyTo(new Span<byte>(to, bytes));
            return;
        }

        for (int i = 0; i < bytes - piece; i += piece)
            Vector128.Store(Vector128.Load(from + i), to + i);
        Vector128.Store(Vector128.Load(from + bytes - piece), to + bytes - piece);
    }
}
