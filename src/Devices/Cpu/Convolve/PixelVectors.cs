using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// One sample's planes laid out such that a vector's worth of neighbouring pixels of the result lies side by side under every tap: products
/// read them where they are. Rows of whole vectors without a stride are read from planes with zeros around (<see cref="Planes"/>). Of shorter ones several
/// make a vector, and with a stride pixels lie apart: there is a copy for each column of taps, shifted, with the result's columns only, its rows sorted by
/// which rows of taps meet them. Single precision only.
/// </summary>
internal sealed class PixelVectors
{
    private const int BlockPixels = 8;

    // Copies of the planes that are worth it, and how much they may take: many taps side by side, or far apart, would take far more than they save.
    private const int CopiesMost = 4;
    private const long CopyBytesMost = 16 << 20;

    private readonly Geometry geometry;
    private readonly Planes? whole;
    private readonly int lanes, rows;
    private readonly int[] classes;

    private PixelVectors(Geometry geometry, Planes? whole, int lanes)
    {
        (this.geometry, this.whole, this.lanes) = (geometry, whole, lanes);
        var w = geometry.Window;
        rows = geometry.OutHeight + (w.KernelHeight - 1) * w.DilationHeight / w.StrideHeight;
        classes = [.. Enumerable.Range(0, w.KernelHeight).Select(kh => kh * w.DilationHeight % w.StrideHeight).Distinct()];
    }

    /// <summary>Null where pixels do not come in vectors.</summary>
    /// <param name="geometry">Of a forward convolution of one group.</param>
    public static PixelVectors? Of(Geometry geometry, int lanes)
    {
        if (geometry.OutPixels == 0 || geometry.OutPixels % lanes != 0)
            return null;
        bool isWhole = geometry.OutWidth % lanes == 0;
        if (isWhole && geometry.Window.StrideWidth == 1)
            return new PixelVectors(geometry, new Planes(geometry), lanes);
        if (!isWhole && lanes % geometry.OutWidth != 0)
            return null;
        var shifted = new PixelVectors(geometry, null, lanes);
        return shifted.Elements <= CopiesMost * (long)geometry.Channels * new Planes(geometry).PlaneElements && shifted.Elements * sizeof(float) <= CopyBytesMost ? shifted : null;
    }

    /// <summary>Whether the planes have to be copied into memory of their own, which must be zero in the beginning.</summary>
    public bool IsCopy => whole?.IsCopy ?? !(geometry.Taps == 1 && geometry.Window is { PadTop: 0, PadLeft: 0, StrideHeight: 1, StrideWidth: 1 } && geometry.Pixels == geometry.OutPixels);

    /// <summary>Vectors of one sample.</summary>
    public int Count => geometry.OutPixels / lanes;

    /// <summary>Elements from one sample's planes to the next one's.</summary>
    public nint Elements => (nint)geometry.Channels * (whole?.PlaneElements ?? geometry.Window.KernelWidth * ShiftedElements);

    /// <summary>Of one channel, for one column of taps.</summary>
    private nint ShiftedElements => (nint)classes.Length * ClassElements;

    private nint ClassElements => (nint)rows * geometry.OutWidth;

    /// <summary>Where a tap of a channel lies from a vector's place, in elements.</summary>
    public nint Tap(int channel, int kernelRow, int kernelColumn)
    {
        var w = geometry.Window;
        int row = kernelRow * w.DilationHeight;
        return whole is not null
            ? (nint)channel * whole.PlaneElements + row * whole.Pitch + kernelColumn * w.DilationWidth
            : ((nint)channel * w.KernelWidth + kernelColumn) * ShiftedElements + Array.IndexOf(classes, row % w.StrideHeight) * ClassElements + row / w.StrideHeight * geometry.OutWidth;
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

        var w = geometry.Window;
        bool isShift = w.StrideHeight == 1 && w.StrideWidth == 1 && geometry.Width == geometry.OutWidth && BlockPixels % geometry.OutWidth == 0;
        for (int channel = 0; channel < geometry.Channels; channel++, source += geometry.Pixels)
        {
            for (int column = 0; column < w.KernelWidth; column++, target += ShiftedElements)
            {
                int shift = column * w.DilationWidth - w.PadLeft;
                if (isShift && Math.Abs(shift) < geometry.Width)
                    Shift(source, target, shift, first, end);
                else
                    Columns(source, target, shift, end);
            }
        }
    }

    // The same number of columns on both sides: a shifted plane is the plane from another element on, but for columns that come from a neighbouring row.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            if (at >= first && at + BlockPixels <= end)
                Vector256.Store(Vector256.Load(at) & inside, target + i);
            else
                Single(source, target, shift, i, i + BlockPixels);
        }

        Single(source, target, shift, i, pixels);
    }

    private unsafe void Single(float* source, float* target, int shift, int i, int end)
    {
        for (; i < end; i++)
        {
            int column = i % geometry.OutWidth + shift;
            target[i] = column >= 0 && column < geometry.Width ? source[i + shift] : 0;
        }
    }

    private unsafe void Columns(float* source, float* target, int shift, float* end)
    {
        var w = geometry.Window;
        int from = shift >= 0 ? 0 : (-shift + w.StrideWidth - 1) / w.StrideWidth;
        int to = shift >= geometry.Width ? 0 : Math.Min(geometry.OutWidth, (geometry.Width - shift + w.StrideWidth - 1) / w.StrideWidth);
        foreach (int row in classes)
        {
            for (int y = 0; y < rows && from < to; y++)
            {
                int sourceRow = y * w.StrideHeight + row - w.PadTop;
                if ((uint)sourceRow < (uint)geometry.Height)
                    Row(source + (nint)sourceRow * geometry.Width + (nint)from * w.StrideWidth + shift, target + (nint)y * geometry.OutWidth + from, to - from, end);
            }

            target += ClassElements;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Row(float* source, float* target, int count, float* end)
    {
        int stride = geometry.Window.StrideWidth, i = 0;
        if (stride == 1)
        {
            NativeMemory.Copy(source, target, (nuint)(count * sizeof(float)));
            return;
        }

        if (stride == 2 && Avx2.IsSupported)
        {
            const byte even = 0x88, inOrder = 0xD8;
            while (i < count && count >= BlockPixels)
            {
                // The last block may begin before the one before it ends.
                int at = Math.Min(i, count - BlockPixels);
                if (source + 2 * (at + BlockPixels) > end)
                    break;
                var pairs = Avx.Shuffle(Avx.LoadVector256(source + 2 * at), Avx.LoadVector256(source + 2 * at + BlockPixels), even);
                Avx.Store(target + at, Avx2.Permute4x64(pairs.AsDouble(), inOrder).AsSingle());
                i = at + BlockPixels;
            }
        }

        for (; i < count; i++)
            target[i] = source[(nint)i * stride];
    }
}
