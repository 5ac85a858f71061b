using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Cli.Explaining;

/// <summary>A block as an operation reads or writes it.</summary>
internal sealed record Access(int Block, string Type);

/// <summary>An operation of a view. <c>After</c>: those whose results it reads. <c>Again</c>: the one whose work it does again; −1 for none.</summary>
internal sealed record ViewedOperation(
    string Section, int Index, string Name, string Op, string Form, string Kernel, string Layer, Phase Phase, KernelCost Cost,
    ImmutableArray<Access> Reads, ImmutableArray<Access> Writes, ImmutableArray<int> After, int Again);

/// <summary>
/// A block with its life in a view: <c>First</c> to <c>Last</c> are the operations that touch it, all of them where it outlives the view.
/// <c>Over</c>: the block in whose place it was written; −1 for none. <c>Kept</c>: written forward and read backward.
/// </summary>
internal sealed record ViewedBlock(int Id, string Name, BlockKind Kind, long Bytes, long Offset, int First, int Last, string Layer, int Over, bool Kept);

/// <summary>Sections of a plan one after the other, with what can be said of them: who waits for whom, which block lives how long.</summary>
internal sealed record PlanView(string Title, ImmutableArray<ViewedOperation> Operations, ImmutableArray<ViewedBlock> Blocks)
{
    public static PlanView Of(string title, Plan plan, IEnumerable<Section> sections)
    {
        var parts = sections.SelectMany(s => s.Operations.Select((o, i) => (Section: s, Operation: o, Index: i, Facts: OperationFacts.Of(s, o)))).ToArray();
        var operations = ImmutableArray.CreateBuilder<ViewedOperation>(parts.Length);
        var writers = new Dictionary<int, List<int>>();
        var origins = new Origins(plan);
        bool backward = false;
        foreach (var (section, operation, index, facts) in parts)
        {
            var (kernel, position) = (operation.Kernel, operations.Count);
            var after = kernel.Inputs.SelectMany(o => writers.GetValueOrDefault(o.Block, [])).Distinct().Order();
            // What was computed going forward and is once more among what goes back was not kept.
            backward |= facts.Phase == Phase.Backward;
            int again = origins.Add(operation, facts, position) is var first && section.Recomputed is not null && backward && facts.Phase == Phase.Forward ? first : -1;
            operations.Add(new ViewedOperation(
                section.Name, index, operation.Name, facts.Op, KernelText.Form(kernel), KernelText.Name(kernel), facts.Layer, facts.Phase, facts.Cost,
                Accesses(kernel.Inputs), Accesses(kernel.Outputs), [.. after], again));
            foreach (int block in kernel.Outputs.Select(o => o.Block).Distinct())
            {
                if (!writers.TryGetValue(block, out var list))
                    writers.Add(block, list = []);
                list.Add(position);
            }
        }

        var viewed = operations.MoveToImmutable();
        return new PlanView(title, viewed, Live(plan, [.. parts.Select(p => p.Operation.Kernel)], viewed));
    }

    private static ImmutableArray<Access> Accesses(ImmutableArray<Operand> operands) =>
        [.. operands.Select(o => new Access(o.Block, KernelText.Type(o))).Distinct()];

    private static ImmutableArray<ViewedBlock> Live(Plan plan, ImmutableArray<Kernel> kernels, ImmutableArray<ViewedOperation> operations)
    {
        var (first, last) = (new Dictionary<int, int>(), new Dictionary<int, int>());
        var (writer, kept) = (new Dictionary<int, int>(), new HashSet<int>());
        for (int i = 0; i < kernels.Length; i++)
        {
            foreach (int block in kernels[i].Inputs.Concat(kernels[i].Outputs).Select(o => o.Block))
            {
                first.TryAdd(block, i);
                last[block] = i;
                if (operations[i].Phase == Phase.Backward && writer.TryGetValue(block, out int by) && operations[by] is { Phase: Phase.Forward, Again: < 0 })
                    kept.Add(block);
            }

            foreach (var output in kernels[i].Outputs)
                writer.TryAdd(output.Block, i);
        }

        var viewed = plan.Blocks.Where(b => b.Bytes > 0 && (first.ContainsKey(b.Id) || b.Kind != BlockKind.Transient));
        return [.. viewed.Select(b => b.Kind == BlockKind.Transient
            ? new ViewedBlock(b.Id, b.Name, b.Kind, b.Bytes, b.Offset, first[b.Id], last[b.Id], LayerOf(b), Over(b), kept.Contains(b.Id))
            : new ViewedBlock(b.Id, b.Name, b.Kind, b.Bytes, b.Offset, 0, kernels.Length - 1, LayerOf(b), -1, false))];

        string LayerOf(Block block) => block.Kind == BlockKind.Variable ? OperationFacts.OwnerOf(block.Name)
            : writer.TryGetValue(block.Id, out int by) ? operations[by].Layer : "";

        // Written by the operation that reads another for the last time, at the same place; what a chain wrote before is another, too.
        int Over(Block block) => !writer.TryGetValue(block.Id, out int by) ? -1
            : kernels[by].Inputs.Concat(kernels[by].Outputs.TakeWhile(o => o.Block != block.Id)).Select(o => plan.Blocks[o.Block])
                .Where(o => o.Id != block.Id && o.Kind == BlockKind.Transient && o.Offset == block.Offset && last[o.Id] == by)
                .Select(o => o.Id).FirstOrDefault(-1);
    }
}
