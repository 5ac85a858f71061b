namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>A kernel over points that do not depend on one another and may be done some at a time.</summary>
internal abstract unsafe class CpuPoints(Work work) : CpuKernel
{
    /// <summary>Where each operand's first element lies, sources first.</summary>
    public abstract nint[] Start { get; }

    public abstract long Count { get; }

    /// <summary>Parts that may be done at the same time begin at multiples of it, unless rows of a chain are what is cut.</summary>
    public abstract long Grain { get; }

    public long Grains => (Count + Grain - 1) / Grain;

    /// <summary>What all points take, as <see cref="Work"/> counts it.</summary>
    public abstract long Effort { get; }

    /// <summary>Does points <paramref name="first"/> up to <paramref name="end"/>.</summary>
    /// <param name="start">Where operands begin: those of <see cref="Start"/>, or others.</param>
    /// <param name="first">In the order of the leading dimensions.</param>
    /// <param name="end">After <paramref name="first"/>.</param>
    /// <param name="scratch">As in <see cref="CpuKernel.Run"/>.</param>
    public abstract void Points(byte** start, long first, long end, byte* scratch);

    public sealed override int Parts(int threads) => Count == 0 ? 0 : work.Parts(Effort, threads, most: Grains);

    public sealed override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(Count, Grain, part, parts);
        fixed (nint* start = Start)
            Points((byte**)start, first, end, scratch);
    }
}
