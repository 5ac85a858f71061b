using System.Runtime.CompilerServices;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Between C and a tile of its own: where C's rows are not whole vectors, or its columns do not lie side by side.</summary>
internal static unsafe class TileCopy
{
    public static void Load(Matrix c, int row, int column, int rows, int columns, int width, int size, byte* tile)
    {
        for (int i = 0; i < rows; i++)
        {
            if (size == sizeof(float))
                Gather((float*)c.At(row + i, column, size), c.ColumnStride, columns, (float*)tile + i * width);
            else
                Gather((double*)c.At(row + i, column, size), c.ColumnStride, columns, (double*)tile + i * width);
        }
    }

    public static void Store(Matrix c, int row, int column, int rows, int columns, int width, int size, byte* tile)
    {
        for (int i = 0; i < rows; i++)
        {
            if (size == sizeof(float))
                Scatter((float*)tile + i * width, columns, (float*)c.At(row + i, column, size), c.ColumnStride);
            else
                Scatter((double*)tile + i * width, columns, (double*)c.At(row + i, column, size), c.ColumnStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(T* source, nint stride, int count, T* target) where T : unmanaged
    {
        if (stride == 1)
        {
            Packing.Copy(source, target, count);
            return;
        }

        for (int j = 0; j < count; j++)
            target[j] = source[j * stride];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter<T>(T* source, int count, T* target, nint stride) where T : unmanaged
    {
        if (stride == 1)
        {
            Packing.Copy(source, target, count);
            return;
        }

        for (int j = 0; j < count; j++)
            target[j * stride] = source[j];
    }
}
