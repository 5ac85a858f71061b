using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu;

/// <summary>The working memory that a plan's kernels would ask for, without loading the plan.</summary>
internal static class CpuScratch
{
    public static long Of(Plan plan, CpuOptions options)
    {
        var context = new CpuContext(options);
        // Kernels only remember addresses when they are compiled.
        var nowhere = new CpuMemory(0);
        try
        {
            BlockAddress[] blocks = [.. plan.Blocks.Select(b => new BlockAddress(nowhere, b.Offset))];
            return plan.Sections.SelectMany(s => s.Operations).Select(o => o.Kernel).Where(UsesScratch)
                .Select(k => CpuBackend.Compile(k, blocks, context).ScratchBytes).DefaultIfEmpty(0).Max();
        }
        finally
        {
            nowhere.Free();
        }
    }

    private static bool UsesScratch(Kernel kernel) => kernel is ReduceKernel or ChainKernel or ContractKernel or ConvolveKernel or ScatterAddKernel;
}
