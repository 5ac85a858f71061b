using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Philox words, a block of four at a time.</summary>
internal sealed unsafe class CpuRandom : CpuKernel
{
    private const int InstructionsPerWord = 24;

    private readonly ulong key;
    private readonly uint stream;
    private readonly nint step;
    private readonly nint target;
    private readonly long count;
    private readonly Work work;

    public CpuRandom(RandomKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        work = context.Work;
        if (kernel.Target.DType != DType.Int32 || !kernel.Target.IsContiguous)
            throw new NotSupportedException($"random words are written to contiguous Int32, not to {kernel.Target.DType} with strides {string.Join(", ", kernel.Target.Strides)}");
        (key, stream, count) = (kernel.Key, kernel.Stream, kernel.Target.Shape.Count);
        step = kernel.Step is null ? 0 : (nint)Address(kernel.Step, blocks);
        target = (nint)Address(kernel.Target, blocks);
    }

    public override int Parts(int threads) => work.Parts(count, InstructionsPerWord, threads, most: (count + 63) / 64);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(count, 64, part, parts);
        uint* words = (uint*)target;
        ulong high = stream | (step == 0 ? 0 : (ulong)*(uint*)step << 32);
        for (; first + 4 <= end; first += 4)
            (words[first], words[first + 1], words[first + 2], words[first + 3]) = Philox.Block(key, (ulong)first / 4, high);
        if (first == end)
            return;
        var (w0, w1, w2, _) = Philox.Block(key, (ulong)first / 4, high);
        words[first] = w0;
        if (first + 1 < end)
            words[first + 1] = w1;
        if (first + 2 < end)
            words[first + 2] = w2;
    }
}
