namespace Singa.Actors.Devices.Cpu;

/// <summary>Kernels one after the other as one: each reads what those before it left in memory that they share while it runs.</summary>
internal sealed unsafe class CpuPhases(SharedScratch shared, params CpuKernel[] phases) : CompiledKernel
{
    public override long ScratchBytes => shared.Bytes + phases.Max(p => p.ScratchBytes);

    public void Settle(int threads)
    {
        foreach (var phase in phases)
            phase.Settle(threads);
    }

    public void Run(ThreadTeam team, byte* scratch)
    {
        shared.Pointer = scratch;
        foreach (var phase in phases)
            team.Run(phase, scratch + shared.Bytes);
    }
}

/// <summary>Memory that the phases of a kernel share; where it lies is known while they run.</summary>
internal sealed unsafe class SharedScratch(long bytes)
{
    private const int Alignment = 128;

    public long Bytes { get; } = (bytes + Alignment - 1) / Alignment * Alignment;

    public byte* Pointer { get; set; }
}
