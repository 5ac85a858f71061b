using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Singa.Actors.Devices.Cpu.Gemm;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>Between planes, one a channel, and pixels of sixteen channels each: the order in which transforms read and write.</summary>
internal static unsafe class ChannelPixels
{
    private const int Lanes = WinogradTransforms.Lanes, Square = 8;

    /// <summary>
    /// A window of some planes: <paramref name="rows"/> × <paramref name="columns"/> pixels from (<paramref name="top"/>, <paramref name="left"/>)
    /// on, zero where the planes or the channels end.
    /// </summary>
    public static void Read(float* planes, int height, int width, int channels, int top, int left, int rows, int columns, float* pixels)
    {
        nint plane = (nint)height * width;
        int first = Math.Max(0, -left), end = Math.Clamp(width - left, first, columns);
        for (int y = 0; y < rows; y++, pixels += columns * Lanes)
        {
            if ((uint)(top + y) >= (uint)height)
            {
                new Span<float>(pixels, columns * Lanes).Clear();
                continue;
            }

            new Span<float>(pixels, first * Lanes).Clear();
            Turn(planes + (nint)(top + y) * width + left + first, plane, channels, end - first, pixels + first * Lanes);
            new Span<float>(pixels + end * Lanes, (columns - end) * Lanes).Clear();
        }
    }

    /// <summary>Pixels, rows <paramref name="pitch"/> pixels apart, to <paramref name="rows"/> whole rows of planes.</summary>
    public static void Write(float* pixels, int pitch, float* planes, nint plane, int width, int channels, int rows)
    {
        for (int y = 0; y < rows; y++)
            TurnBack(pixels + (nint)y * pitch * Lanes, width, planes + (nint)y * width, plane, channels);
    }

    /// <summary>The first <paramref name="count"/> values of up to sixteen rows <paramref name="plane"/> apart, value by value; lanes without a row are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* source, nint plane, int channels, int count, float* target)
    {
        int whole = Avx.IsSupported ? channels / Square * Square : 0, pixel = 0;
        for (; pixel + Square <= count; pixel += Square)
        {
            for (int c = 0; c < whole; c += Square)
                Packing.Turn(source + c * plane + pixel, plane, target + pixel * Lanes + c, Lanes);
        }

        for (int x = 0; x < count; x++)
        {
            float* from = source + x;
            float* to = target + x * Lanes;
            for (int c = x < pixel ? whole : 0; c < channels; c++)
                to[c] = from[c * plane];
            for (int c = channels; c < Lanes; c++)
                to[c] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TurnBack(float* source, int count, float* target, nint plane, int channels)
    {
        int whole = Avx.IsSupported ? channels / Square * Square : 0, pixel = 0;
        for (; pixel + Square <= count; pixel += Square)
        {
            for (int c = 0; c < whole; c += Square)
                Packing.Turn(source + pixel * Lanes + c, Lanes, target + c * plane + pixel, plane);
        }

        for (int x = 0; x < count; x++)
        {
            for (int c = x < pixel ? whole : 0; c < channels; c++)
                target[c * plane + x] = source[x * Lanes + c];
        }
    }
}
