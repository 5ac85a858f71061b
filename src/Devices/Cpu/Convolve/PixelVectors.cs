using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// One sample's planes laid out such that a vector's worth of neighbouring pixels of the result lies side by side under every tap: products
/// read them where they are. Rows of whole vectors are read from planes with zeros around (<see cref="Planes"/>); of shorter ones several make a vector,
/// and there is a copy of the planes for each column of taps, shifted, without anything between rows. Single precision only.
/// </summary>
internal sealed class PixelVectors
{
    private const int BlockPixels = 8;

    private readonly Geometry geometry;
    private readonly Planes? whole;
    private readonly int lanes, rows;

    private PixelVectors(Geometry geometry, Planes? whole, int lanes)
    {
        (this.geometry, this.whole, this.lanes) = (geometry, whole, lanes);
        rows = geometry.OutHeight + (geometry.Window.KernelHeight - 1) * geometry.Window.DilationHeight;
    }

    /// <summary>Null where pixels do not come in vectors.</summary>
    /// <param name="geometry">Of a forward convolution of one group.</param>
    public static PixelVectors? Of(Geometry geometry, int lanes)
    {
        var w = geometry.Window;
        if (w.StrideWidth != 1 || geometry.OutPixels == 0 || geometry.OutPixels % lanes != 0)
            return null;
        if (geometry.OutWidth % lanes == 0)
            return new PixelVectors(geometry, new Planes(geometry), lanes);
        return lanes % geometry.OutWidth == 0 && w.StrideHeight == 1 ? new PixelVectors(geometry, null, lanes) : null;
    }

    /// <summary>Whether the planes have to be copied into memory of their own, which must be zero in the beginning.</summary>
    public bool IsCopy => whole?.IsCopy ?? !(geometry.Taps == 1 && geometry.Window.PadTop == 0 && geometry.Window.PadLeft == 0 && geometry.Pixels == geometry.OutPixels);

    /// <summary>Vectors of one sample.</summary>
    public int Count => geometry.OutPixels / lanes;

    /// <summary>Elements from one sample's planes to the next one's.</summary>
    public int Elements => whole is null ? checked(geometry.Channels * ShiftedElements) : checked(geometry.Channels * whole.PlaneElements);

    private int ShiftedElements => geometry.Window.KernelWidth * rows * geometry.OutWidth;

    /// <summary>Where a tap of a channel lies from a vector's place, in elements.</summary>
    public nint Tap(int channel, int kernelRow, int kernelColumn)
    {
        var w = geometry.Window;
        return whole is not null
            ? (nint)channel * whole.PlaneElements + kernelRow * w.DilationHeight * whole.Pitch + kernelColumn * w.DilationWidth
            : (nint)channel * ShiftedElements + (kernelColumn * rows + kernelRow * w.DilationHeight) * geometry.OutWidth;
    }

    /// <summary>Where a vector of a sample lies under the first tap, in elements.</summary>
    public nint Place(int vector)
    {
        int pixel = vector * lanes;
        return whole is null ? pixel : (nint)(pixel / geometry.OutWidth * geometry.Window.StrideHeight) * whole.Pitch + pixel % geometry.OutWidth;
    }

    /// <summary>Copies one sample's planes into place.</summary>
    /// <param name="first">Of all samples' planes: nothing before it is read, nor from <paramref name="end"/> on.</param>
    public unsafe void Fill(float* source, float* target, float* first, float* end)
    {
        if (whole is not null)
        {
            whole.Copy((byte*)source, (byte*)target, sizeof(float), 0, geometry.Channels);
            return;
        }

        bool isShift = geometry.Width == geometry.OutWidth && BlockPixels % geometry.OutWidth == 0;
        for (int channel = 0; channel < geometry.Channels; channel++, source += geometry.Pixels)
        {
            for (int column = 0; column < geometry.Window.KernelWidth; column++, target += rows * geometry.OutWidth)
            {
                int shift = column * geometry.Window.DilationWidth - geometry.Window.PadLeft;
                if (isShift && Math.Abs(shift) < geometry.Width)
                    Shift(source, target, shift, first, end);
                else
                    Columns(source, target, shift);
            }
        }
    }

    // The same number of columns on both sides: a shifted plane is the plane from another element on, but for columns that come from a neighbouring row.
    private unsafe void Shift(float* source, float* target, int shift, float* first, float* end)
    {
        var lanesOf = Vector256<int>.Indices & Vector256.Create(geometry.OutWidth - 1);
        var from = lanesOf + Vector256.Create(shift);
        var inside = (Vector256.GreaterThanOrEqual(from, Vector256<int>.Zero) & Vector256.LessThan(from, Vector256.Create(geometry.Width))).AsSingle();
        target += (nint)geometry.Window.PadTop * geometry.OutWidth;
        int pixels = Math.Min(geometry.Height, rows - geometry.Window.PadTop) * geometry.OutWidth, i = 0;
        for (; i + BlockPixels <= pixels; i += BlockPixels)
        {
            float* at = source + i + shift;
            if (at < first || at + BlockPixels > end)
                break;
            Vector256.Store(Vector256.Load(at) & inside, target + i);
        }

        for (; i < pixels; i++)
        {
            int column = i % geometry.OutWidth + shift;
            target[i] = column >= 0 && column < geometry.Width ? source[i + shift] : 0;
        }
    }

    private unsafe void Columns(float* source, float* target, int shift)
    {
        int begin = Math.Max(0, -shift), end = Math.Min(geometry.OutWidth, geometry.Width - shift);
        int top = geometry.Window.PadTop, count = Math.Min(geometry.Height, rows - top);
        for (int y = 0; y < count && begin < end; y++)
            NativeMemory.Copy(source + (nint)y * geometry.Width + begin + shift, target + (nint)(y + top) * geometry.OutWidth + begin, (nuint)((end - begin) * sizeof(float)));
    }
}
