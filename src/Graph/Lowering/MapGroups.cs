using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// Makes one <see cref="GroupKernel"/> of maps that follow one another, write variables and know nothing of one another, as updates of parameters do:
/// most are too small to be worth a launch. Bits stay what they are.
/// </summary>
internal sealed class MapGroups
{
    private readonly IReadOnlyList<BlockDraft> blocks;
    private readonly long[] offsets;
    private readonly List<(string Name, Kernel Kernel)> joined = [];
    private readonly Dictionary<int, ImmutableHashSet<int>> awaited = [];
    private readonly List<LinkedKernel> group = [];
    private readonly List<Extent> read = [], written = [];
    private ImmutableHashSet<int> buckets = [];

    private MapGroups(IReadOnlyList<BlockDraft> blocks, long[] offsets) => (this.blocks, this.offsets) = (blocks, offsets);

    /// <summary>Bytes of memory.</summary>
    private readonly record struct Extent(long Low, long High)
    {
        public bool Meets(Extent other) => Low < other.High && other.Low < High;
    }

    /// <summary>The operations with groups as one, where blocks lie at <paramref name="offsets"/>.</summary>
    public static IReadOnlyList<(string Name, Kernel Kernel)> Join(
        IReadOnlyList<(string Name, Kernel Kernel)> operations, IReadOnlyList<BlockDraft> blocks, long[] offsets)
    {
        var groups = new MapGroups(blocks, offsets);
        foreach (var (name, kernel) in operations)
            groups.Add(name, kernel);
        groups.Close();
        return groups.joined;
    }

    private void Add(string name, Kernel kernel)
    {
        // An update waits for the exchange of its own bucket and for no other: with those of another it would wait for both. What it waits for may
        // reach it by way of what others make of it, as the norm of all gradients does.
        var before = kernel.Inputs.Select(Awaited).Aggregate(ImmutableHashSet<int>.Empty, (all, next) => all.Union(next));
        foreach (var output in kernel.Outputs)
            awaited[output.Block] = awaited.GetValueOrDefault(output.Block, []).Union(before);
        Extent[] reads = [.. kernel.Inputs.Select(ExtentOf)], writes = [.. kernel.Outputs.Select(ExtentOf)];
        bool fits = Fits(kernel);
        if (!fits || !buckets.SetEquals(before) || writes.Any(w => Meets(read, w) || Meets(written, w)) || reads.Any(r => Meets(written, r)))
            Close();
        if (!fits)
        {
            joined.Add((name, kernel));
            return;
        }

        buckets = before;
        group.Add(new LinkedKernel(name, kernel));
        read.AddRange(reads);
        written.AddRange(writes);
    }

    private void Close()
    {
        if (group.Count > 1)
            joined.Add((NameOf(group), new GroupKernel([.. group])));
        else
            joined.AddRange(group.Select(l => (l.Name, l.Kernel)));
        group.Clear();
        read.Clear();
        written.Clear();
    }

    /// <summary>A copy is left to those who know better how to.</summary>
    private bool Fits(Kernel kernel) => kernel is MapKernel { Program.Instructions: not [{ Op: ScalarOp.Argument }] } map
        && map.Targets[0].Shape.Count > 0 && map.Targets.All(t => blocks[t.Block].Kind == BlockKind.Variable);

    private ImmutableHashSet<int> Awaited(Operand operand) => blocks[operand.Block].Kind == BlockKind.Bucket
        ? [operand.Block] : awaited.GetValueOrDefault(operand.Block, []);

    private Extent ExtentOf(Operand operand)
    {
        var window = RowWindow.Of(operand, 1, offsets[operand.Block]);
        return new Extent(window.Low, window.High);
    }

    private static bool Meets(List<Extent> extents, Extent extent) => extents.Exists(e => e.Meets(extent));

    /// <summary>What all are part of, how many they are, and what is done: as much of it as people read.</summary>
    private static string NameOf(List<LinkedKernel> links)
    {
        var parts = links.Select(l => OperationFacts.Parts(l.Name)).ToArray();
        string[] ops = [.. parts.Select(p => p.Op).Distinct()];
        return Lowerer.Label(parts.Select(p => p.Scope).Aggregate(OperationFacts.Common), $"{links.Count}×{ops[0]}{(ops.Length > 1 ? "|…" : "")}");
    }
}
