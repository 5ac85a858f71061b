using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// Finds what follows one another in a section and works row by row, such as the parts of a softmax or of a layer's norm, and makes
/// one <see cref="ChainKernel"/> of it, so that a backend need take each row through memory only once. Bits stay what they are.
/// </summary>
internal sealed class RowChains
{
    // More bytes than any block has.
    private const int BlockBits = 44;

    private readonly IReadOnlyList<(string Name, Kernel Kernel)> operations;
    private readonly IReadOnlyList<BlockDraft> blocks;
    private readonly List<RowChain> chains = [];

    public RowChains(IReadOnlyList<(string Name, Kernel Kernel)> operations, IReadOnlyList<BlockDraft> blocks)
    {
        (this.operations, this.blocks) = (operations, blocks);
        for (int i = 0; i < operations.Count; i++)
        {
            if (RowLink.RowsOf(operations[i].Kernel) is var rows && rows < 2 || !RowLink.Fits(operations[i].Kernel, rows))
                continue;
            var chain = Around(i, rows, from: chains.Count == 0 ? 0 : chains[^1].End);
            if (chain.End - chain.First < 2)
                continue;
            chains.Add(chain);
            i = chain.End - 1;
        }
    }

    /// <summary>Those that blocks of their own would allow.</summary>
    public IReadOnlyList<RowChain> All => chains;

    /// <summary>Whether each may stay whole where blocks lie there.</summary>
    public bool Allows(long[] offsets) => chains.All(c => Pieces(c, offsets).Count() == 1);

    /// <summary>The operations with chains as one; where blocks share memory across rows, a chain is cut.</summary>
    public IReadOnlyList<(string Name, Kernel Kernel)> Join(long[] offsets)
    {
        var joined = new List<(string Name, Kernel Kernel)>();
        var lives = Lives();
        int next = 0;
        foreach (var piece in chains.SelectMany(c => Pieces(c, offsets)))
        {
            joined.AddRange(Range(next, piece.First));
            if (piece.End - piece.First > 1 && Range(piece.First, piece.End).Any(o => o.Kernel is ReduceKernel))
                joined.Add(Chain(piece, lives));
            else
                joined.AddRange(Range(piece.First, piece.End));
            next = piece.End;
        }

        joined.AddRange(Range(next, operations.Count));
        return joined;
    }

    private RowChain Around(int reduction, long rows, int from)
    {
        string scope = ScopeOf(reduction);
        var (first, end) = (reduction, reduction + 1);
        while (first > from && operations[first - 1].Kernel is MapKernel && ScopeOf(first - 1) == scope && IsLink(first - 1)
            && operations[first - 1].Kernel.Outputs.Any(o => Range(first, end).Any(l => l.Kernel.Inputs.Any(i => i.Block == o.Block))))
            first--;
        while (end < operations.Count && IsLink(end) && (ScopeOf(end) == scope ? IsRelated(end) : IsFor(end)))
            end++;
        return new RowChain(first, end, rows);

        bool IsLink(int next) => RowLink.Fits(operations[next].Kernel, rows)
            && Range(first, end).All(l => RowLink.KeepsRows(l.Kernel, operations[next].Kernel, rows, block => (long)block << BlockBits));

        bool IsRelated(int next) => Accesses(operations[next].Kernel).Intersect(Range(first, end).SelectMany(l => Accesses(l.Kernel))).Any();

        // Of another layer, and still what a row's one value was computed for: its last part was fused with what came after it.
        bool IsFor(int next) => OperationFacts.IsDerived(ScopeOf(next)) == OperationFacts.IsDerived(scope)
            && Range(first, end).SelectMany(l => l.Kernel.Outputs).Any(o => o.Shape.Count == rows && operations[next].Kernel.Inputs.Any(i => i.Block == o.Block));
    }

    private IEnumerable<int> Accesses(Kernel kernel) => kernel.Inputs.Concat(kernel.Outputs).Select(o => o.Block)
        .Where(b => blocks[b].Kind is BlockKind.Transient or BlockKind.Input or BlockKind.Output);

    private IEnumerable<RowChain> Pieces(RowChain chain, long[] offsets)
    {
        int first = chain.First;
        for (int i = first + 1; i < chain.End; i++)
        {
            if (Range(first, i).All(l => RowLink.KeepsRows(l.Kernel, operations[i].Kernel, chain.Rows, block => offsets[block])))
                continue;
            yield return new RowChain(first, i, chain.Rows);
            first = i;
        }

        yield return new RowChain(first, chain.End, chain.Rows);
    }

    /// <summary>The first and the last operation that touch a block.</summary>
    private Dictionary<int, (int First, int Last)> Lives()
    {
        var lives = new Dictionary<int, (int First, int Last)>();
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (var operand in operations[i].Kernel.Inputs.Concat(operations[i].Kernel.Outputs))
                lives[operand.Block] = (lives.TryGetValue(operand.Block, out var life) ? life.First : i, i);
        }

        return lives;
    }

    private (string Name, Kernel Kernel) Chain(RowChain piece, Dictionary<int, (int First, int Last)> lives)
    {
        var links = Range(piece.First, piece.End).Select(o => new LinkedKernel(o.Name, o.Kernel)).ToImmutableArray();
        var passing = links.SelectMany(l => l.Kernel.Inputs.Concat(l.Kernel.Outputs)).GroupBy(o => o.Block)
            .Where(b => blocks[b.Key].Kind == BlockKind.Transient && lives[b.Key] is var (first, last) && first >= piece.First && last < piece.End && IsEven([.. b.Select(o => RowWindow.Of(o, piece.Rows))]));
        return (NameOf(piece), new ChainKernel(links, piece.Rows, [.. passing.Select(b => b.Key)]));
    }

    private static bool IsEven(RowWindow[] windows) => windows.All(w => w.Step == windows[0].Step) && windows.Max(w => w.End) - windows.Min(w => w.First) <= windows[0].Step;

    /// <summary>The layer of the first reduction, and what is done: as much of it as people read.</summary>
    private string NameOf(RowChain piece)
    {
        int reduction = Enumerable.Range(piece.First, piece.End - piece.First).First(i => operations[i].Kernel is ReduceKernel);
        string[] parts = [.. Range(piece.First, piece.End).Select(o => OperationFacts.Parts(o.Name).Op)];
        string what = string.Join('→', parts.Length <= 4 ? parts : [.. parts[..2], "…", parts[^1]]);
        return Lowerer.Label(ScopeOf(reduction), what);
    }

    private string ScopeOf(int operation) => OperationFacts.Parts(operations[operation].Name).Scope;

    private IEnumerable<(string Name, Kernel Kernel)> Range(int first, int end) => operations.Skip(first).Take(end - first);
}
