using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

internal sealed record MemoryMap(long[] Offsets, long ArenaBytes, long LiveBytes);

/// <summary>
/// Gives every block its place, as a pure function of lifetimes. Blocks that outlive sections come first; transient ones share the
/// rest: those alive at the same time do not overlap, and a map may write over an input that nobody needs after it. Operations that are to become
/// one chain of rows need their blocks side by side for all of it, and get them where that takes no more memory.
/// </summary>
internal static class MemoryPlanner
{
    private const long Alignment = 64;
    private const int AttemptsMost = 8;

    private static readonly Comparer<Storage> ByOffset = Comparer<Storage>.Create((a, b) => a.Offset.CompareTo(b.Offset));

    /// <summary>Blocks that share one piece of memory, alive from the first's first write to the last's last read.</summary>
    private sealed class Storage(long bytes, int first)
    {
        public long Bytes { get; } = bytes;
        public int First { get; set; } = first;
        public int Last { get; set; } = first;
        public long Offset { get; set; } = -1;

        public bool Meets(Storage other) => First <= other.Last && other.First <= Last;
    }

    public static MemoryMap Place(IReadOnlyList<BlockDraft> blocks, IReadOnlyList<IReadOnlyList<(string Name, Kernel Kernel)>> sections, IReadOnlyList<RowChains> chains)
    {
        var offsets = new long[blocks.Count];
        long persistent = 0;
        foreach (var block in blocks.Where(b => b.Kind != BlockKind.Transient))
        {
            offsets[block.Id] = persistent;
            persistent += Align(block.Bytes);
        }

        long arena = persistent, live = persistent;
        foreach (var operations in sections)
        {
            var owners = Lifetimes(blocks, operations);
            var storages = owners.Values.Distinct().ToList();
            arena = Math.Max(arena, persistent + Pack(storages, operations.Count));
            live = Math.Max(live, persistent + LargestSum(storages, operations.Count));
            foreach (var (block, storage) in owners)
                offsets[block] = persistent + storage.Offset;
        }

        for (int i = 0; i < sections.Count; i++)
        {
            if (chains[i].Allows(offsets))
                continue;
            var owners = Lifetimes(blocks, sections[i]);
            var storages = owners.Values.Distinct().ToList();
            Widen(owners, sections[i], chains[i].All, arena - persistent);
            if (Pack(storages, sections[i].Count) > arena - persistent)
                continue;
            foreach (var (block, storage) in owners)
                offsets[block] = persistent + storage.Offset;
        }

        return new MemoryMap(offsets, arena, live);
    }

    private static Dictionary<int, Storage> Lifetimes(IReadOnlyList<BlockDraft> blocks, IReadOnlyList<(string Name, Kernel Kernel)> operations)
    {
        var last = new Dictionary<int, int>();
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (var operand in operations[i].Kernel.Inputs.Concat(operations[i].Kernel.Outputs))
                last[operand.Block] = i;
        }

        var owners = new Dictionary<int, Storage>();
        for (int i = 0; i < operations.Count; i++)
        {
            var kernel = operations[i].Kernel;
            foreach (var output in kernel.Outputs)
            {
                if (blocks[output.Block].Kind != BlockKind.Transient || owners.ContainsKey(output.Block))
                    continue;
                var storage = Reusable(kernel, output, i) ?? new Storage(Align(blocks[output.Block].Bytes), i);
                storage.Last = Math.Max(storage.Last, last[output.Block]);
                owners[output.Block] = storage;
            }
        }

        return owners;

        // In place: the same elements at the same offsets, read here for the last time. Storage that a result of this kernel took lives on.
        Storage? Reusable(Kernel kernel, Operand output, int position) => kernel is not MapKernel map ? null
            : map.Sources.Where(s => s.IsContiguous && output.IsContiguous && s.Offset == 0 && output.Offset == 0 && s.DType.Size() == output.DType.Size()
                    && last[s.Block] == position && last[output.Block] > position && map.Sources.Count(o => o.Block == s.Block) == 1
                    && owners.TryGetValue(s.Block, out var owner) && owner.Last == position && owner.Bytes == Align(blocks[output.Block].Bytes))
                .Select(s => owners[s.Block]).FirstOrDefault();
    }

    /// <summary>What a chain touches lives for all of it, where there is room for that.</summary>
    private static void Widen(Dictionary<int, Storage> owners, IReadOnlyList<(string Name, Kernel Kernel)> operations, IReadOnlyList<RowChain> chains, long most)
    {
        var alive = Sums(owners.Values.Distinct(), operations.Count);
        foreach (var chain in chains)
        {
            var touched = Enumerable.Range(chain.First, chain.End - chain.First)
                .SelectMany(i => operations[i].Kernel.Inputs.Concat(operations[i].Kernel.Outputs)).Select(o => owners.GetValueOrDefault(o.Block)).OfType<Storage>().ToHashSet();
            var wider = alive[chain.First..chain.End];
            for (int i = 0; i < wider.Length; i++)
                wider[i] += touched.Where(s => chain.First + i < s.First || s.Last < chain.First + i).Sum(s => s.Bytes);
            if (wider.Max() > most)
                continue;
            wider.CopyTo(alive, chain.First);
            foreach (var storage in touched)
                (storage.First, storage.Last) = (Math.Min(storage.First, chain.First), Math.Max(storage.Last, chain.End - 1));
        }
    }

    /// <summary>
    /// Each at the lowest gap among those it meets, in the best of several orders: first largest, first filled, most room times time. Where that
    /// is more than is ever alive, those that lie too high go first in another try.
    /// </summary>
    private static long Pack(List<Storage> storages, int length)
    {
        if (storages.Count == 0)
            return 0;
        long least = LargestSum(storages, length), best = long.MaxValue;
        long[] placed = [];
        foreach (var key in new Func<Storage, long>[] { s => -s.Bytes, s => s.First, s => -(s.Last - s.First) * s.Bytes })
        {
            Storage[] order = [.. storages.OrderBy(key).ThenBy(s => s.First)];
            for (int attempt = 0; attempt < AttemptsMost && best > least; attempt++)
            {
                long top = PackInOrder(order);
                if (top < best)
                    (best, placed) = (top, [.. storages.Select(s => s.Offset)]);
                order = [.. order.Where(s => s.Offset + s.Bytes > least), .. order.Where(s => s.Offset + s.Bytes <= least)];
            }
        }

        for (int i = 0; i < storages.Count; i++)
            storages[i].Offset = placed[i];
        return best;
    }

    private static long PackInOrder(Storage[] order)
    {
        long top = 0;
        // By offset.
        var done = new List<Storage>(order.Length);
        foreach (var storage in order)
        {
            long offset = 0;
            foreach (var other in done)
            {
                if (!storage.Meets(other))
                    continue;
                if (offset + storage.Bytes <= other.Offset)
                    break;
                offset = Math.Max(offset, other.Offset + other.Bytes);
            }

            storage.Offset = offset;
            top = Math.Max(top, offset + storage.Bytes);
            int index = done.BinarySearch(storage, ByOffset);
            done.Insert(index < 0 ? ~index : index, storage);
        }

        return top;
    }

    private static long LargestSum(List<Storage> storages, int length) => Sums(storages, length).DefaultIfEmpty().Max();

    /// <summary>Bytes alive at each operation.</summary>
    private static long[] Sums(IEnumerable<Storage> storages, int length)
    {
        var change = new long[length + 1];
        foreach (var storage in storages)
        {
            change[storage.First] += storage.Bytes;
            change[storage.Last + 1] -= storage.Bytes;
        }

        var sums = new long[length];
        for (int i = 0; i < length; i++)
            sums[i] = (i == 0 ? 0 : sums[i - 1]) + change[i];
        return sums;
    }

    public static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
