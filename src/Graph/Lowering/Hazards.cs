using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// Says which blocks each operation depends on. Memory that changes its owner is a dependency too: the new block's first writer names
/// the blocks that lay there. Transient memory is shared by all sections, so each section's first user of it writes the
/// <em>guard</em> block and the others read it: a section waits for the transient work of the one before, and for no other.
/// </summary>
internal static class Hazards
{
    public static ImmutableArray<Operation> Annotate(
        IReadOnlyList<(string Name, Kernel Kernel)> operations, IReadOnlyList<BlockDraft> blocks, MemoryMap memory, int guard)
    {
        var result = ImmutableArray.CreateBuilder<Operation>(operations.Count);
        var owners = new List<(long Start, long End, int Block)>();
        var seen = new HashSet<int>();
        bool guarded = false;
        foreach (var (name, kernel) in operations)
        {
            var reads = kernel.Inputs.Select(o => o.Block).Distinct().ToList();
            var writes = kernel.Outputs.Select(o => o.Block).Distinct().ToList();
            foreach (int block in writes.ToArray())
            {
                if (blocks[block].Kind == BlockKind.Transient && seen.Add(block))
                    writes.AddRange(TakeOver(block).Except(writes));
            }

            if (reads.Concat(writes).Any(b => blocks[b].Kind == BlockKind.Transient))
            {
                (guarded ? reads : writes).Add(guard);
                guarded = true;
            }

            result.Add(new Operation(name, kernel, [.. reads], [.. writes]));
        }

        return result.ToImmutable();

        List<int> TakeOver(int block)
        {
            long start = memory.Offsets[block], end = start + MemoryPlanner.Align(blocks[block].Bytes);
            var before = owners.Where(o => o.Start < end && start < o.End).ToList();
            foreach (var owner in before)
            {
                owners.Remove(owner);
                if (owner.Start < start)
                    owners.Add((owner.Start, start, owner.Block));
                if (owner.End > end)
                    owners.Add((end, owner.End, owner.Block));
            }

            owners.Add((start, end, block));
            return [.. before.Select(o => o.Block).Distinct()];
        }
    }
}
