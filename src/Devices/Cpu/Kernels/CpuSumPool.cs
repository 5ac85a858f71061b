using System.Numerics;
using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Kernels;

internal static class CpuSumPool
{
    public static CpuKernel Compile(SumPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) => (kernel.Source.DType, kernel.Adjoint) switch
    {
        (DType.Float32, false) => new CpuSumPoolForward<float>(kernel, blocks, context),
        (DType.Float64, false) => new CpuSumPoolForward<double>(kernel, blocks, context),
        (DType.Float32, true) => new CpuSumPoolAdjoint<float>(kernel, blocks, context),
        (DType.Float64, true) => new CpuSumPoolAdjoint<double>(kernel, blocks, context),
        _ => throw new NotSupportedException($"sum pooling takes floating numbers, not {kernel.Source.DType}"),
    };
}

internal sealed unsafe class CpuSumPoolForward<T>(SumPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuPool(kernel, kernel.Window, kernel.Source, kernel.Target, context)
    where T : unmanaged, INumber<T>
{
    private readonly nint source = (nint)Address(kernel.Source, blocks);
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    protected override void Plane(long plane)
    {
        T* image = (T*)source + plane * Size, result = (T*)target + plane * OutSize;
        for (int y = 0; y < OutHeight; y++)
        {
            int top = y * Window.StrideHeight - Window.PadTop;
            var (kh0, kh1) = Taps(top, Window.KernelHeight, Window.DilationHeight, Height);
            for (int x = 0; x < OutWidth; x++)
            {
                int left = x * Window.StrideWidth - Window.PadLeft;
                var (kw0, kw1) = Taps(left, Window.KernelWidth, Window.DilationWidth, Width);
                var sum = T.Zero;
                for (int kh = kh0; kh < kh1; kh++)
                {
                    T* row = image + (long)(top + kh * Window.DilationHeight) * Width + left;
                    for (int kw = kw0; kw < kw1; kw++)
                        sum += row[kw * Window.DilationWidth];
                }

                *result++ = sum;
            }
        }
    }
}

internal sealed unsafe class CpuSumPoolAdjoint<T>(SumPoolKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    : CpuPool(kernel, kernel.Window, kernel.Target, kernel.Source, context)
    where T : unmanaged, INumber<T>
{
    private readonly nint source = (nint)Address(kernel.Source, blocks);
    private readonly nint target = (nint)Address(kernel.Target, blocks);

    protected override void Plane(long plane)
    {
        T* result = (T*)source + plane * OutSize, into = (T*)target + plane * Size;
        NativeMemory.Clear(into, (nuint)(Size * sizeof(T)));
        for (int y = 0; y < OutHeight; y++)
        {
            int top = y * Window.StrideHeight - Window.PadTop;
            var (kh0, kh1) = Taps(top, Window.KernelHeight, Window.DilationHeight, Height);
            for (int x = 0; x < OutWidth; x++)
            {
                int left = x * Window.StrideWidth - Window.PadLeft;
                var (kw0, kw1) = Taps(left, Window.KernelWidth, Window.DilationWidth, Width);
                var value = *result++;
                for (int kh = kh0; kh < kh1; kh++)
                {
                    T* row = into + (long)(top + kh * Window.DilationHeight) * Width + left;
                    for (int kw = kw0; kw < kw1; kw++)
                        row[kw * Window.DilationWidth] += value;
                }
            }
        }
    }
}
