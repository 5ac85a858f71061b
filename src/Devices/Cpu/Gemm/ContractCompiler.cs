using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

internal static unsafe class ContractCompiler
{
    public static CpuKernel Compile(ContractKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        nint Address(Operand operand) => (nint)CpuKernel.Address(operand, blocks);
        // One shard is a product like any other, and that one is cut along a long k as well.
        if (kernel.Tree is [{ First: 0, Count: 1 }])
            kernel = new ContractKernel(Operands.Row(kernel.Left, 0), Operands.Row(kernel.Right, 0), Operands.Row(kernel.Target, 0), [], null);
        return kernel.Tree.IsEmpty ? new CpuContract(kernel, context, Address) : new CpuShardContract(kernel, context, Address);
    }
}
