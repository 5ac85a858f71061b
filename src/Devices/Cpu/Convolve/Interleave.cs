using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Rows put between one another.</summary>
internal static unsafe class Interleave
{
    /// <summary>Element i of row r goes to i · rows + r.</summary>
    /// <param name="apart">Elements from a row to the next.</param>
    /// <param name="count">Of each row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float* first, nint apart, int rows, int count, float* target)
    {
        const byte lower = 0x20, upper = 0x31;
        int i = 0;
        if (rows == 2 && Avx.IsSupported)
        {
            for (; i + Vector256<float>.Count <= count; i += Vector256<float>.Count)
            {
                var (a, b) = (Avx.LoadVector256(first + i), Avx.LoadVector256(first + apart + i));
                var (low, high) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
                Avx.Store(target + 2 * i, Avx.Permute2x128(low, high, lower));
                Avx.Store(target + 2 * i + Vector256<float>.Count, Avx.Permute2x128(low, high, upper));
            }
        }

        for (; i < count; i++)
        {
            for (int row = 0; row < rows; row++)
                target[(nint)i * rows + row] = first[row * apart + i];
        }
    }
}
