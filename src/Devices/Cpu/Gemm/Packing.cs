using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Copies parts of matrices into the order in which micro-kernels read them.</summary>
internal static unsafe class Packing
{
    private const int RowsAhead = 8;

    /// <summary>As below, for elements of <paramref name="size"/> bytes of a matrix with those strides.</summary>
    public static void Panel(byte* source, Matrix strides, int steps, int columns, int width, int size, byte* target)
    {
        if (size == sizeof(float) && strides.RowStride == 1 && columns > 1)
            PanelOfColumns((float*)source, strides.ColumnStride, steps, columns, width, (float*)target);
        else if (size == sizeof(float))
            Panel((float*)source, strides.RowStride, strides.ColumnStride, steps, columns, width, (float*)target);
        else
            Panel((double*)source, strides.RowStride, strides.ColumnStride, steps, columns, width, (double*)target);
    }

    /// <summary>
    /// A panel of B: <paramref name="steps"/> rows of <paramref name="columns"/> elements, each padded with zeros to <paramref name="width"/>.
    /// Strides in elements.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panel<T>(T* source, nint stepStride, nint columnStride, int steps, int columns, int width, T* target) where T : unmanaged
    {
        if (columnStride == 1 || columns == 1)
        {
            for (int k = 0; k < steps; k++)
            {
                // Rows that lie far apart are no stream that a processor finds by itself.
                Cache.Fetch((byte*)(source + (k + RowsAhead) * stepStride), 0, 1, columns * sizeof(T));
                Copy(source + k * stepStride, target + (nint)k * width, columns);
                for (int j = columns; j < width; j++)
                    target[(nint)k * width + j] = default;
            }

            return;
        }

        if (columns < width)
            NativeMemory.Clear(target, (nuint)steps * (nuint)width * (nuint)sizeof(T));
        // Square blocks: both sides stay within a few cache lines.
        const int block = 8;
        for (int k0 = 0; k0 < steps; k0 += block)
        {
            int k1 = Math.Min(steps, k0 + block);
            for (int j = 0; j < columns; j++)
            {
                T* from = source + j * columnStride + k0 * stepStride;
                T* to = target + (nint)k0 * width + j;
                for (int k = k0; k < k1; k++)
                {
                    *to = *from;
                    from += stepStride;
                    to += width;
                }
            }
        }
    }

    /// <summary>As above where each column of B lies side by side.</summary>
    private static void PanelOfColumns(float* source, nint columnStride, int steps, int columns, int width, float* target)
    {
        for (int k = 0; columns < width && k < steps; k++)
            new Span<float>(target + (nint)k * width + columns, width - columns).Clear();
        Turn(source, columnStride, steps, columns, target, width);
    }

    /// <summary>
    /// Columns of <paramref name="steps"/> floats that lie side by side become rows: element k of column j goes to (k, j). Squares of eight by
    /// eight are turned in registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* source, nint columnStride, int steps, int columns, float* target, nint rowStride)
    {
        const int square = 8;
        int whole = Avx.IsSupported ? columns / square * square : 0, step = 0;
        for (; step + square <= steps; step += square)
        {
            for (int j = 0; j < whole; j += square)
                Turn(source + j * columnStride + step, columnStride, target + step * rowStride + j, rowStride);
        }

        for (int j = 0; j < columns; j++)
        {
            float* from = source + j * columnStride;
            for (int k = j < whole ? step : 0; k < steps; k++)
                target[k * rowStride + j] = from[k];
        }
    }

    /// <summary>Rows of eight floats become columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Turn(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var (a, b) = (Avx.LoadVector256(source), Avx.LoadVector256(source + sourceStride));
        var (c, d) = (Avx.LoadVector256(source + 2 * sourceStride), Avx.LoadVector256(source + 3 * sourceStride));
        var (e, f) = (Avx.LoadVector256(source + 4 * sourceStride), Avx.LoadVector256(source + 5 * sourceStride));
        var (g, h) = (Avx.LoadVector256(source + 6 * sourceStride), Avx.LoadVector256(source + 7 * sourceStride));
        var (ab0, ab1, cd0, cd1) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b), Avx.UnpackLow(c, d), Avx.UnpackHigh(c, d));
        var (ef0, ef1, gh0, gh1) = (Avx.UnpackLow(e, f), Avx.UnpackHigh(e, f), Avx.UnpackLow(g, h), Avx.UnpackHigh(g, h));
        const byte low = 0x44, high = 0xEE, lower = 0x20, upper = 0x31;
        var (r0, r1, r2, r3) = (Avx.Shuffle(ab0, cd0, low), Avx.Shuffle(ab0, cd0, high), Avx.Shuffle(ab1, cd1, low), Avx.Shuffle(ab1, cd1, high));
        var (s0, s1, s2, s3) = (Avx.Shuffle(ef0, gh0, low), Avx.Shuffle(ef0, gh0, high), Avx.Shuffle(ef1, gh1, low), Avx.Shuffle(ef1, gh1, high));
        Avx.Store(target, Avx.Permute2x128(r0, s0, lower));
        Avx.Store(target + targetStride, Avx.Permute2x128(r1, s1, lower));
        Avx.Store(target + 2 * targetStride, Avx.Permute2x128(r2, s2, lower));
        Avx.Store(target + 3 * targetStride, Avx.Permute2x128(r3, s3, lower));
        Avx.Store(target + 4 * targetStride, Avx.Permute2x128(r0, s0, upper));
        Avx.Store(target + 5 * targetStride, Avx.Permute2x128(r1, s1, upper));
        Avx.Store(target + 6 * targetStride, Avx.Permute2x128(r2, s2, upper));
        Avx.Store(target + 7 * targetStride, Avx.Permute2x128(r3, s3, upper));
    }

    /// <summary>Exactly <paramref name="count"/> elements; short runs are what convolutions are made of, so no call for them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy<T>(T* source, T* target, int count) where T : unmanaged
    {
        int i = 0;
        for (; i + Vector256<T>.Count <= count; i += Vector256<T>.Count)
            Vector256.Store(Vector256.Load(source + i), target + i);
        for (; i < count; i++)
            target[i] = source[i];
    }

    /// <summary>target += source.</summary>
    public static void Add(byte* target, byte* source, nint count, int size)
    {
        if (size == sizeof(float))
            Add((float*)target, (float*)source, count);
        else
            Add((double*)target, (double*)source, count);
    }

    /// <inheritdoc cref="Add(byte*, byte*, nint, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<T>(T* target, T* source, nint count) where T : unmanaged, System.Numerics.IAdditionOperators<T, T, T>
    {
        nint i = 0;
        for (; i + Vector256<T>.Count <= count; i += Vector256<T>.Count)
            Vector256.Store(Vector256.Load(target + i) + Vector256.Load(source + i), target + i);
        for (; i < count; i++)
            target[i] += source[i];
    }
}
