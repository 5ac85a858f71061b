namespace Singa.Actors.Devices.Cpu;

/// <summary>
/// Kernels one after the other as one: each reads what those before it left in memory that they share while it runs. Where it is kept, the first of
/// them, which makes it, runs only when it is not there.
/// </summary>
internal sealed unsafe class CpuPhases(SharedScratch shared, params CpuKernel[] phases) : CompiledKernel
{
    public KeptForm? Kept { get; init; }

    public override long ScratchBytes => shared.Bytes + phases.Max(p => p.ScratchBytes);

    public void Settle(int threads)
    {
        foreach (var phase in phases)
            phase.Settle(threads);
    }

    public void Run(ThreadTeam team, byte* scratch)
    {
        shared.Pointer = Kept is null ? scratch : ((CpuMemory)Kept.Memory!).Pointer;
        for (int i = Kept is { IsMade: true } ? 1 : 0; i < phases.Length; i++)
            team.Run(phases[i], scratch + shared.Bytes);
        if (Kept is not null)
            Kept.IsMade = true;
    }
}

/// <summary>Memory that the phases of a kernel share; where it lies is known while they run.</summary>
internal sealed unsafe class SharedScratch(long bytes)
{
    private const int Alignment = 128;

    public long Bytes { get; } = (bytes + Alignment - 1) / Alignment * Alignment;

    public byte* Pointer { get; set; }
}
