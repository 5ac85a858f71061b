using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

internal static unsafe class ContractCompiler
{
    public static CpuKernel Compile(ContractKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        nint Address(Operand operand) => (nint)CpuKernel.Address(operand, blocks);
        return kernel.Tree.IsEmpty ? new CpuContract(kernel, context, Address) : new CpuShardContract(kernel, context, Address);
    }
}
