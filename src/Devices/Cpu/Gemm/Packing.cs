using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Copies parts of matrices into the order in which micro-kernels read them.</summary>
internal static unsafe class Packing
{
    /// <summary>As below, for elements of <paramref name="size"/> bytes of a matrix with those strides.</summary>
    public static void Panel(byte* source, Matrix strides, int steps, int columns, int width, int size, byte* target)
    {
        if (size == sizeof(float))
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
                Copy(source + k * stepStride, target + (nint)k * width, columns);
                for (int j = columns; j < width; j++)
                    target[(nint)k * width + j] = default;
            }

            return;
        }

        if (columns < width)
            new Span<T>(target, steps * width).Clear();
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
