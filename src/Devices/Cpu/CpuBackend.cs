using System.Runtime.InteropServices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu;

/// <summary>The processor as a device: kernels are compiled at run time for its vectors and run by a team of threads of its own.</summary>
public sealed unsafe class CpuBackend : IBackend
{
    private readonly CpuContext context;
    private readonly ThreadTeam team;

    /// <param name="index">The device's number: its name is <c>cpu:index</c>.</param>
    public CpuBackend(int index, CpuOptions options)
    {
        if (options.Threads < 1)
            throw new ArgumentException($"cpu:{index} is asked to work with {options.Threads} threads; it takes 1 at least");
        if (!VectorWidths.Available.Contains(options.Width))
            throw new ArgumentException($"cpu:{index} is asked for vectors of {(int)options.Width * 8} bits; the widest of this machine have {(int)VectorWidths.Available[0] * 8}");
        context = new CpuContext(options);
        Properties = new DeviceProperties(
            $"cpu:{index}",
            $"{RuntimeInformation.ProcessArchitecture}, {(int)options.Width * 8}-bit vectors, {options.Threads} threads",
            options.Threads,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        team = new ThreadTeam(Properties.Name, options.Threads);
    }

    public DeviceProperties Properties { get; }

    public DeviceMemory Allocate(long bytes)
    {
        try
        {
            return new CpuMemory(bytes);
        }
        catch (OutOfMemoryException e)
        {
            throw new OutOfDeviceMemoryException(Properties.Name, bytes, e);
        }
    }

    public void Free(DeviceMemory memory) => ((CpuMemory)memory).Free();

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) =>
        source.CopyTo(new Span<byte>(At(target, offset, source.Length), source.Length));

    public void Download(DeviceMemory source, long offset, Span<byte> target) =>
        new ReadOnlySpan<byte>(At(source, offset, target.Length), target.Length).CopyTo(target);

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
        Buffer.MemoryCopy(At(source, sourceOffset, bytes), At(target, targetOffset, bytes), bytes, bytes);

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => Compile(kernel, blocks, context);

    internal static CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        CompiledKernel compiled = kernel switch
        {
            MapKernel map => (CpuKernel?)Kernels.CpuTurn.Of(map, blocks, context) ?? new Kernels.CpuMap(map, blocks, context),
            ReduceKernel reduce => Kernels.CpuReduce.Compile(reduce, blocks, context),
            GroupKernel group => new Kernels.CpuGroup(group, blocks, context),
            ChainKernel chain => Kernels.ChainCompiler.Compile(chain, blocks, context),
            ContractKernel contract => Gemm.ContractCompiler.Compile(contract, blocks, context),
            ConvolveKernel convolve => Convolve.ConvolveCompiler.Compile(convolve, blocks, context),
            MaxPoolKernel pool => Kernels.CpuMaxPool.Compile(pool, blocks, context),
            SumPoolKernel pool => Kernels.CpuSumPool.Compile(pool, blocks, context),
            GatherKernel gather => new Kernels.CpuGather(gather, blocks, context),
            ScatterAddKernel scatter => Kernels.CpuScatterAdd.Compile(scatter, blocks, context),
            RandomKernel random => new Kernels.CpuRandom(random, blocks, context),
            ShardSumKernel sum => Kernels.CpuShardSum.Compile(sum, blocks, context),
            _ => throw new NotSupportedException($"the CPU does not compute {kernel.GetType().Name}: the executor moves bytes itself"),
        };
        if (compiled is CpuPhases phases)
            phases.Settle(context.Threads);
        else
            ((CpuKernel)compiled).Settle(context.Threads);
        return compiled;
    }

    public void Launch(CompiledKernel kernel, DeviceMemory? scratch)
    {
        if (kernel.ScratchBytes > (scratch?.Bytes ?? 0))
            throw new ArgumentException($"{kernel.GetType().Name} needs {kernel.ScratchBytes} bytes of scratch and got {scratch?.Bytes ?? 0}");
        byte* memory = scratch is null ? null : ((CpuMemory)scratch).Pointer;
        if (kernel is CpuPhases phases)
            phases.Run(team, memory);
        else
            team.Run((CpuKernel)kernel, memory);
    }

    public void Synchronize()
    {
        // Launch returns when the kernel is done.
    }

    public void Dispose() => team.Dispose();

    private static byte* At(DeviceMemory memory, long offset, long bytes)
    {
        if (offset < 0 || bytes < 0 || offset + bytes > memory.Bytes)
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset} to {offset + bytes} of a piece of {memory.Bytes}");
        return ((CpuMemory)memory).Pointer + offset;
    }
}
