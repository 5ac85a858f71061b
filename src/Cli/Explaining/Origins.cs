using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Cli.Explaining;

/// <summary>
/// Tells what is done once more: an operation of the same name and form, with results of the same types, on what came about in the same
/// way. Copies stand for what they copy, because the second time may read the original.
/// </summary>
internal sealed class Origins(Plan plan)
{
    private readonly Dictionary<string, int> known = [];
    private readonly Dictionary<int, SortedSet<string>> origins = [];

    /// <summary>Takes down an operation; the position of the first that did the same, link by link, or −1.</summary>
    public int Add(Operation operation, OperationFacts facts, int position)
    {
        if (operation.Kernel is not JoinedKernel joined)
            return Add(operation.Name, operation.Kernel, facts.IsCopy, position);
        int[] firsts = [.. joined.Links.Select(l => Add(l.Name, l.Kernel, false, position))];
        return firsts.Contains(-1) ? -1 : firsts[^1];
    }

    private int Add(string name, Kernel kernel, bool isCopy, int position)
    {
        string sources = string.Join(' ', kernel.Inputs.Select(o => string.Join('+', Of(o.Block))).Distinct());
        string work = string.Join('|', name, KernelText.Form(kernel), sources, string.Join(' ', kernel.Outputs.Select(KernelText.Type)));
        int first = known.TryAdd(work, position) ? -1 : known[work];
        foreach (int block in kernel.Outputs.Select(o => o.Block).Where(b => plan.Blocks[b].Kind == BlockKind.Transient))
        {
            if (!origins.TryGetValue(block, out var set))
                origins.Add(block, set = new SortedSet<string>(StringComparer.Ordinal));
            if (isCopy)
                set.UnionWith(kernel.Inputs.SelectMany(o => Of(o.Block)));
            else
                set.Add(name);
        }

        return first;
    }

    private IEnumerable<string> Of(int block) => origins.TryGetValue(block, out var set) ? set : [$"b{block}"];
}
