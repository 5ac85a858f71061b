using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

internal static class ContractCompiler
{
    public static CpuKernel Compile(ContractKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context) =>
        throw new NotSupportedException("contractions are not part of this build");
}
