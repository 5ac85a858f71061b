using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective;

/// <summary>
/// Adds rows along <see cref="ShardTree"/> to the total of all shards and puts it into everybody's first row. Rows are used up as
/// partial sums. The tree says which pairs are added; in which order different elements are done is free, so that all pairs of one
/// segment are added while it is in the cache.
/// </summary>
public static unsafe class TreeSum
{
    private const int SegmentBytes = 16 * 1024;

    /// <summary>Absent shards (those without a sample in a short batch) add nothing: the other operand stays as it is.</summary>
    /// <param name="shards">Of the whole job: the root of the tree.</param>
    /// <exception cref="InvalidOperationException">The rows are not disjoint subtrees, or the buckets are of different sizes.</exception>
    public static void Combine(int shards, ReadOnlySpan<Contribution> members)
    {
        var (elements, type) = (members[0].Rows.Elements, members[0].Rows.DType);
        int count = Count(members);
        if (members[0].Rows.Address == 0 || count == 0)
            return;
        Span<SubtreeRow> rows = count <= 128 ? stackalloc SubtreeRow[count] : new SubtreeRow[count];
        Collect(members, rows);
        Span<Pair> pairs = count <= 128 ? stackalloc Pair[count] : new Pair[count];
        var tree = new Walk(rows, pairs);
        nint total = tree.Descend(new ShardRange(0, shards));
        if (tree.Taken != count)
            throw new InvalidOperationException($"the sum of shards {rows[tree.Taken].Shards} is no subtree of {shards} shards");
        if (tree.Pairs.Length > 0 || members.Length > 1)
            Mark(members, RowState.Spent);
        Add(tree.Pairs, total, members, elements * type.Size(), type);
    }

    /// <summary>
    /// Adds what can be added without the rows of others: of every largest node of the tree whose shards are all here one row is left, the
    /// leftmost, which holds its sum.
    /// </summary>
    /// <param name="shards">Of the whole job: the root of the tree.</param>
    /// <param name="covers">Whether all shards of a node are here; those without a row add nothing.</param>
    /// <param name="left">Receives the rows that are left, in the order of their shards.</param>
    /// <param name="isDone">It has been done before: only say which rows are left.</param>
    /// <exception cref="InvalidOperationException">As with <see cref="Combine"/>.</exception>
    public static void Gather(int shards, ReadOnlySpan<Contribution> members, Func<ShardRange, bool> covers, List<SubtreeRow> left, bool isDone = false)
    {
        left.Clear();
        var (elements, type) = (members[0].Rows.Elements, members[0].Rows.DType);
        int count = Count(members);
        if (count == 0)
            return;
        Span<SubtreeRow> rows = count <= 128 ? stackalloc SubtreeRow[count] : new SubtreeRow[count];
        Collect(members, rows);
        Span<Pair> pairs = count <= 128 ? stackalloc Pair[count] : new Pair[count];
        var tree = new Walk(rows, pairs);
        Descend(new ShardRange(0, shards), ref tree, rows);
        if (tree.Taken != count)
            throw new InvalidOperationException($"the sum of shards {rows[tree.Taken].Shards} is no subtree of {shards} shards");
        if (members[0].Rows.Address == 0 || isDone)
            return;
        if (tree.Pairs.Length > 0)
            Mark(members, RowState.Gathered);
        Add(tree.Pairs, 0, [], elements * type.Size(), type);

        void Descend(ShardRange node, ref Walk tree, ReadOnlySpan<SubtreeRow> rows)
        {
            if (tree.Taken == rows.Length || rows[tree.Taken].Shards.First >= node.End)
                return;
            var found = rows[tree.Taken].Shards;
            if (found == node || covers(node))
            {
                left.Add(new SubtreeRow(node, tree.Descend(node)));
                return;
            }

            if (node.Count <= 1)
                throw new InvalidOperationException($"the sum of shards {found} is no subtree, or overlaps another");
            var (before, after) = ShardTree.Halves(node);
            Descend(before, ref tree, rows);
            Descend(after, ref tree, rows);
        }
    }

    private static int Count(ReadOnlySpan<Contribution> members)
    {
        var (elements, type) = (members[0].Rows.Elements, members[0].Rows.DType);
        int count = 0;
        foreach (ref readonly var member in members)
        {
            if (member.Rows.Elements != elements || member.Rows.DType != type)
                throw new InvalidOperationException($"members bring buckets of {elements} and {member.Rows.Elements} elements to one round");
            if (member.Subtrees.Length != member.Rows.Count && !(member.Subtrees.IsEmpty && member.Rows.Count == 1))
                throw new InvalidOperationException($"a bucket has {member.Rows.Count} rows for {member.Subtrees.Length} subtrees");
            if (member.Rows.Address == 0 != (members[0].Rows.Address == 0))
                throw new InvalidOperationException("a device that holds no data cannot share a round with one that does");
            count += member.RowCount;
        }

        return count;
    }

    private static void Collect(ReadOnlySpan<Contribution> members, Span<SubtreeRow> rows)
    {
        int at = 0;
        foreach (ref readonly var member in members)
        {
            for (int i = 0; i < member.Subtrees.Length; i++)
                rows[at++] = new SubtreeRow(member.Subtrees[i], member.Rows.Address + (nint)(i * member.Rows.RowBytes));
            if (member.Further.IsDefault)
                continue;
            foreach (var further in member.Further)
                rows[at++] = further;
        }

        rows.Sort(static (a, b) => a.Shards.First.CompareTo(b.Shards.First));
    }

    private static void Mark(ReadOnlySpan<Contribution> members, RowState state)
    {
        foreach (ref readonly var member in members)
            member.Mark?.Set(state);
    }

    private static void Add(ReadOnlySpan<Pair> pairs, nint total, ReadOnlySpan<Contribution> members, long bytes, DType type)
    {
        for (long offset = 0; offset < bytes; offset += SegmentBytes)
        {
            int length = (int)Math.Min(SegmentBytes, bytes - offset);
            foreach (var pair in pairs)
                RowMath.Add(pair.Left + (nint)offset, pair.Left + (nint)offset, pair.Right + (nint)offset, length, type);
            var sum = new ReadOnlySpan<byte>((byte*)total + offset, length);
            foreach (ref readonly var member in members)
            {
                if (member.Rows.Address != total)
                    sum.CopyTo(new Span<byte>((byte*)member.Rows.Address + offset, length));
            }
        }
    }

    /// <summary>Right is added to left.</summary>
    private readonly record struct Pair(nint Left, nint Right);

    private ref struct Walk(ReadOnlySpan<SubtreeRow> rows, Span<Pair> pairs)
    {
        private readonly ReadOnlySpan<SubtreeRow> rows = rows;
        private readonly Span<Pair> pairs = pairs;
        private int count;

        public int Taken { get; private set; }

        public readonly ReadOnlySpan<Pair> Pairs => pairs[..count];

        /// <summary>Address of the row that will hold the sum of the node; 0 where no row lies in it.</summary>
        public nint Descend(ShardRange node)
        {
            if (Taken == rows.Length || rows[Taken].Shards.First >= node.End)
                return 0;
            if (rows[Taken].Shards == node)
                return rows[Taken++].Address;
            if (node.Count <= 1)
                throw new InvalidOperationException($"the sum of shards {rows[Taken].Shards} is no subtree, or overlaps another");
            var (before, after) = ShardTree.Halves(node);
            nint left = Descend(before), right = Descend(after);
            if (left == 0 || right == 0)
                return left + right;
            pairs[count++] = new Pair(left, right);
            return left;
        }
    }
}
