using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Graph.Lowering;

/// <summary>One way to lower the sections of a plan: the blocks that everybody knows, and those its kernels ask for.</summary>
internal sealed class PlanDraft(IEnumerable<BlockDraft> declared, bool isStrict)
{
    private readonly List<BlockDraft> blocks = [.. declared];
    private readonly Dictionary<Seq<byte>, int> constants = [];

    public bool IsStrict => isStrict;

    public int Transient(string name, long bytes) => Add(name, BlockKind.Transient, bytes);

    public int Constant(ImmutableArray<byte> data)
    {
        if (!constants.TryGetValue(new Seq<byte>(data), out int block))
            constants[new Seq<byte>(data)] = block = Add("constant", BlockKind.Constant, data.Length);
        return block;
    }

    private int Add(string name, BlockKind kind, long bytes)
    {
        blocks.Add(new BlockDraft(blocks.Count, name, kind, bytes));
        return blocks.Count - 1;
    }

    public Plan Build(IReadOnlyList<(SectionDraft Section, Course Course)> sections)
    {
        var lowered = sections.Select(s => (s.Section.Name, Operations: s.Section.Lower(s.Course, this))).ToArray();
        int guard = Add("transient memory", BlockKind.Transient, 0);
        RowChains[] chains = [.. lowered.Select(s => new RowChains(s.Operations, blocks))];
        var memory = MemoryPlanner.Place(blocks, [.. lowered.Select(s => s.Operations)], chains);
        return new Plan(
            [.. blocks.Select(b => new Block(b.Id, b.Name, b.Kind, b.Bytes, memory.Offsets[b.Id]))], memory.ArenaBytes, memory.LiveBytes,
            constants.ToImmutableDictionary(c => c.Value, c => c.Key.Items),
            [.. lowered.Select((s, i) => new Section(s.Name, Hazards.Annotate(MapGroups.Join(chains[i].Join(memory.Offsets), blocks, memory.Offsets), blocks, memory, guard), HostSlots(s.Operations))
            {
                Recomputed = sections[i].Course.Recomputed,
            })]);
    }

    private static ImmutableArray<long> HostSlots(IReadOnlyList<(string Name, Kernel Kernel)> operations) =>
    [
        .. operations.Select(o => o.Kernel switch
        {
            UploadKernel up => (up.Slot, Bytes: Bytes(up.Target)),
            DownloadKernel down => (down.Slot, Bytes: Bytes(down.Source)),
            _ => (Slot: -1, Bytes: 0),
        }).Where(s => s.Slot >= 0).OrderBy(s => s.Slot).Select(s => s.Bytes),
    ];

    private static long Bytes(Operand operand) => new TensorType(operand.DType, operand.Shape).Bytes;
}
