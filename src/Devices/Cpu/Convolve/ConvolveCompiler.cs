using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

internal static class ConvolveCompiler
{
    public static CpuKernel Compile(ConvolveKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) =>
        throw new NotSupportedException("convolutions are not part of this build");
}
