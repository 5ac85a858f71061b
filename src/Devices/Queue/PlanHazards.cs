using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Queue;

/// <summary>What each operation of a plan reads and writes, as the queue wants it: arrays of small numbers, computed once at loading.</summary>
/// <remarks>
/// Within one run of a section the planner says who takes over whose memory. Between runs it cannot know who is beside whom, so blocks
/// that overlap in the arena share one more resource, <see cref="SharedArena"/>: operations that touch them hold it together with all
/// of their own run, and the next run waits until they are done.
/// </remarks>
public sealed class PlanHazards
{
    private PlanHazards(ImmutableArray<int[][]> reads, ImmutableArray<int[][]> writes, ImmutableArray<bool[]> runsBeside, int sharedArena, ImmutableArray<bool> usesSharedArena)
    {
        RunsBeside = runsBeside;
        Reads = reads;
        Writes = writes;
        SharedArena = sharedArena;
        UsesSharedArena = usesSharedArena;
    }

    /// <summary>By section and operation: the resources it reads.</summary>
    internal ImmutableArray<int[][]> Reads { get; }

    internal ImmutableArray<int[][]> Writes { get; }

    /// <summary>Operations that the device only begins: others do them, while it goes on.</summary>
    internal ImmutableArray<bool[]> RunsBeside { get; }

    /// <summary>The resource after the last block.</summary>
    internal int SharedArena { get; }

    internal ImmutableArray<bool> UsesSharedArena { get; }

    /// <param name="external">Blocks that live outside the arena.</param>
    public static PlanHazards Of(Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external = null)
    {
        var shared = SharedBlocks(plan, external);
        int arena = plan.Blocks.Length;
        var reads = plan.Sections.Select(s => s.Operations.Select(Read).ToArray()).ToImmutableArray();
        var writes = plan.Sections.Select(s => s.Operations.Select(o => o.Writes.Distinct().ToArray()).ToArray()).ToImmutableArray();
        var beside = plan.Sections.Select(s => s.Operations.Select(o => o.Kernel is ExchangeKernel).ToArray()).ToImmutableArray();
        return new PlanHazards(reads, writes, beside, arena, [.. reads.Select(s => s.Any(o => o.Contains(arena)))]);

        int[] Read(Operation operation)
        {
            var blocks = operation.Reads.Distinct();
            return operation.Reads.Concat(operation.Writes).Any(b => shared[b]) ? [.. blocks, arena] : [.. blocks];
        }
    }

    /// <summary>Blocks that lie where another block lies as well.</summary>
    private static bool[] SharedBlocks(Plan plan, IReadOnlyDictionary<int, DeviceMemory>? external)
    {
        var used = plan.Sections.SelectMany(s => s.Operations).SelectMany(o => o.Reads.Concat(o.Writes)).ToHashSet();
        var shared = new bool[plan.Blocks.Length];
        var sorted = plan.Blocks.Where(b => b.Bytes > 0 && used.Contains(b.Id) && external?.ContainsKey(b.Id) != true).OrderBy(b => b.Offset).ToArray();
        for (int i = 0; i < sorted.Length; i++)
        {
            for (int j = i + 1; j < sorted.Length && sorted[j].Offset < sorted[i].Offset + sorted[i].Bytes; j++)
                shared[sorted[i].Id] = shared[sorted[j].Id] = true;
        }

        return shared;
    }
}
