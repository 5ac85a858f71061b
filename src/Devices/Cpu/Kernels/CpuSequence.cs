namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Kernels that do not depend on one another, as one.</summary>
internal sealed unsafe class CpuSequence(CpuKernel[] kernels) : CpuKernel
{
    private int[] parts = [];

    public override long ScratchBytesPerThread => kernels.Select(k => k.ScratchBytesPerThread).DefaultIfEmpty().Max();

    public override int Parts(int threads)
    {
        parts = [.. kernels.Select(k => k.Parts(threads))];
        return parts.Sum();
    }

    public override void Run(int part, int _, int thread, byte* scratch)
    {
        int kernel = 0;
        while (part >= parts[kernel])
            part -= parts[kernel++];
        kernels[kernel].Run(part, parts[kernel], thread, scratch);
    }
}
