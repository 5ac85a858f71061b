using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu;

/// <summary>
/// A kernel cut into independent parts, which the threads of the team claim one after the other. The number of parts and who
/// runs which never changes a bit of the result. <c>Run</c> allocates nothing.
/// </summary>
public abstract unsafe class CpuKernel : CompiledKernel
{
    private const int Alignment = 128;

    private long scratchBytes;

    /// <summary>Working memory of each thread that takes part; lies at a multiple of 64 bytes.</summary>
    public virtual long ScratchBytesPerThread => 0;

    /// <summary>What <see cref="Parts"/> answered for the device's team.</summary>
    internal int PartCount { get; private set; }

    public sealed override long ScratchBytes => scratchBytes;

    /// <summary>Into how many parts it is worth cutting the work for so many threads; asked once, when the kernel is compiled. 0: nothing to do.</summary>
    public abstract int Parts(int threads);

    /// <summary>Does part number <paramref name="part"/> of <paramref name="parts"/>, alone on <paramref name="scratch"/>.</summary>
    /// <param name="part">0 up to <paramref name="parts"/>.</param>
    /// <param name="parts">What <see cref="Parts"/> answered.</param>
    /// <param name="thread">Which thread of the team runs it; 0 is the caller.</param>
    /// <param name="scratch">This thread's <see cref="ScratchBytesPerThread"/> bytes, with whatever was left in them.</param>
    public abstract void Run(int part, int parts, int thread, byte* scratch);

    /// <summary>Settles the kernel for a team of so many threads.</summary>
    internal void Settle(int threads)
    {
        PartCount = Parts(threads);
        scratchBytes = PartCount == 0 ? 0 : ScratchStride * threads;
    }

    /// <summary>From one thread's scratch to the next one's.</summary>
    internal long ScratchStride => (ScratchBytesPerThread + Alignment - 1) / Alignment * Alignment;

    /// <summary>Where an operand's first element lies.</summary>
    protected internal static byte* Address(Operand operand, IReadOnlyList<BlockAddress> blocks)
    {
        var block = blocks[operand.Block];
        return ((CpuMemory)block.Memory).Pointer + block.Offset + operand.Offset * operand.DType.Size();
    }

    /// <summary>Where each operand's first element lies.</summary>
    protected internal static nint[] Addresses(IReadOnlyList<Operand> operands, IReadOnlyList<BlockAddress> blocks)
    {
        var addresses = new nint[operands.Count];
        for (int i = 0; i < addresses.Length; i++)
            addresses[i] = (nint)Address(operands[i], blocks);
        return addresses;
    }

    /// <summary>Items that part <paramref name="part"/> takes of <paramref name="count"/>, cut at multiples of <paramref name="grain"/>.</summary>
    protected internal static (long First, long End) Share(long count, long grain, int part, int parts)
    {
        long grains = (count + grain - 1) / grain;
        return (Math.Min(count, grains * part / parts * grain), Math.Min(count, grains * (part + 1) / parts * grain));
    }
}
