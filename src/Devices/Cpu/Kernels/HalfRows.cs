using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Sums on their way along the tree, rounded where they lie.</summary>
internal static unsafe class HalfRows
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* values, nint count)
    {
        nint i = 0;
        for (; i + Vector256<float>.Count <= count; i += Vector256<float>.Count)
            HalfLanes.Round(Vector256.Load(values + i)).Store(values + i);
        for (; i < count; i++)
            values[i] = BFloat16.Round(values[i]);
    }
}
