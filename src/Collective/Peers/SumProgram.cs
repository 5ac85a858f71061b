using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// The tree over the rows that all processes bring of a bucket, as a list of additions; the same for each of its segments. Rows are
/// left as they are: sums go to places of their own, so that whoever fails in a round still has what it brought.
/// </summary>
internal sealed class SumProgram
{
    private readonly ShardRange[] rows;
    private readonly List<Step> steps = [];
    private int taken;

    /// <param name="shards">Of the whole job.</param>
    /// <param name="rows">Subtrees that are brought, in any order; copied.</param>
    /// <exception cref="InvalidOperationException">They are not disjoint subtrees.</exception>
    public SumProgram(int shards, ReadOnlySpan<ShardRange> rows)
    {
        this.rows = rows.ToArray();
        int[] order = new int[rows.Length];
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(order, (a, b) => this.rows[a].First.CompareTo(this.rows[b].First));
        Descend(new ShardRange(0, shards), order, 0);
        if (taken != order.Length)
            throw new InvalidOperationException($"the sum of shards {this.rows[order[taken]]} is no subtree of {shards} shards");
    }

    public int Rows => rows.Length;

    /// <summary>Places for sums in between that <see cref="Run"/> needs.</summary>
    public int Places { get; private set; }

    public bool IsOf(ReadOnlySpan<ShardRange> other) => other.SequenceEqual(rows);

    /// <summary>Adds one segment.</summary>
    /// <param name="addresses">Where the segment of each row lies, in the order given to the constructor.</param>
    /// <param name="places"><see cref="Places"/> pieces of <paramref name="placeBytes"/>.</param>
    public unsafe void Run(ReadOnlySpan<nint> addresses, nint total, nint places, int placeBytes, int bytes, DType type)
    {
        if (steps.Count == 0)
        {
            if (rows.Length == 1)
                Buffer.MemoryCopy((void*)addresses[0], (void*)total, bytes, bytes);
            return;
        }

        for (int i = 0; i < steps.Count; i++)
        {
            var (left, right, place) = steps[i];
            nint sum = i == steps.Count - 1 ? total : places + place * placeBytes;
            RowMath.Add(sum, At(left, addresses), At(right, addresses), bytes, type);
        }

        nint At(int value, ReadOnlySpan<nint> addresses) => value >= 0 ? addresses[value] : places + ~value * placeBytes;
    }

    /// <summary>A value that holds the node's sum: a row's number, or the complement of a place's; null where no row lies in the node.</summary>
    private int? Descend(ShardRange node, int[] order, int free)
    {
        if (taken == order.Length || rows[order[taken]].First >= node.End)
            return null;
        if (rows[order[taken]] == node)
            return order[taken++];
        if (node.Count <= 1)
            throw new InvalidOperationException($"the sum of shards {rows[order[taken]]} is no subtree, or overlaps another");
        var (before, after) = ShardTree.Halves(node);
        var left = Descend(before, order, free);
        var right = Descend(after, order, left < 0 ? free + 1 : free);
        if (left is null || right is null)
            return left ?? right;
        Places = Math.Max(Places, free + 1);
        steps.Add(new Step(left.Value, right.Value, free));
        return ~free;
    }

    private readonly record struct Step(int Left, int Right, int Place);
}
