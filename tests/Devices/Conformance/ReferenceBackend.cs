using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>
/// The definition of every kernel's bits as the plainest code that says it: what all backends are compared with. Slow on purpose.
/// </summary>
public sealed class ReferenceBackend : IBackend
{
    public DeviceProperties Properties { get; } = new("reference:0", "plain loops", 1, long.MaxValue);

    public DeviceMemory Allocate(long bytes) => new ReferenceMemory(bytes);

    public void Free(DeviceMemory memory)
    {
    }

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) => source.CopyTo(Bytes(target, offset));

    public void Download(DeviceMemory source, long offset, Span<byte> target) => Bytes(source, offset)[..target.Length].CopyTo(target);

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
        Bytes(source, sourceOffset)[..(int)bytes].CopyTo(Bytes(target, targetOffset));

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => new Compiled(kernel is JoinedKernel joined
        ? () => joined.Links.Select(l => Work(l.Kernel, blocks)).ToList().ForEach(run => run())
        : Work(kernel, blocks));

    private static Action Work(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => kernel switch
    {
        MapKernel map => () => ReferencePointwise.Map(map, blocks),
        ReduceKernel reduce => () => ReferencePointwise.Reduce(reduce, blocks),
        ContractKernel contract => () => ReferenceContract.Run(contract, blocks),
        ConvolveKernel convolve => () => ReferenceConvolve.Run(convolve, blocks),
        MaxPoolKernel pool => () => ReferencePool.Run(pool, blocks),
        SumPoolKernel pool => () => ReferencePool.Run(pool, blocks),
        GatherKernel gather => () => ReferenceGather.Run(gather, blocks),
        ScatterAddKernel scatter => () => ReferenceGather.Run(scatter, blocks),
        RandomKernel random => () => ReferencePointwise.Random(random, blocks),
        ShardSumKernel sum => () => ReferencePointwise.ShardSum(sum, blocks),
        _ => throw new NotSupportedException($"the reference does not compute {kernel.GetType().Name}"),
    };

    public void Launch(CompiledKernel kernel, DeviceMemory? scratch) => ((Compiled)kernel).Run();

    public void Synchronize()
    {
    }

    public void Dispose()
    {
    }

    /// <summary>The sum of the shards of a range along <see cref="ShardTree"/>.</summary>
    internal static Value Sum(ShardRange range, bool rounded, Func<int, Value> shard)
    {
        if (range.Count == 1)
            return Stored(shard(range.First));
        var (left, right) = ShardTree.Halves(range);
        return Stored(Sum(left, rounded, shard) + Sum(right, rounded, shard));

        Value Stored(Value sum) => rounded ? sum.Rounded() : sum;
    }

    private static Span<byte> Bytes(DeviceMemory memory, long offset) => ((ReferenceMemory)memory).Data.AsSpan((int)offset);

    private sealed class Compiled(Action run) : CompiledKernel
    {
        public void Run() => run();
    }
}
