using System.Numerics;
using System.Runtime.InteropServices;
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
        int count = 0;
        foreach (ref readonly var member in members)
        {
            if (member.Rows.Elements != elements || member.Rows.DType != type)
                throw new InvalidOperationException($"members bring buckets of {elements} and {member.Rows.Elements} elements to one round");
            if (member.Subtrees.Length != member.Rows.Count && !(member.Subtrees.IsEmpty && member.Rows.Count == 1))
                throw new InvalidOperationException($"a bucket has {member.Rows.Count} rows for {member.Subtrees.Length} subtrees");
            if (member.Rows.Address == 0 != (members[0].Rows.Address == 0))
                throw new InvalidOperationException("a device that holds no data cannot share a round with one that does");
            count += member.Subtrees.Length;
        }

        if (members[0].Rows.Address == 0 || count == 0)
            return;
        Span<Row> rows = count <= 128 ? stackalloc Row[count] : new Row[count];
        Collect(members, rows);
        Span<Pair> pairs = count <= 128 ? stackalloc Pair[count] : new Pair[count];
        var tree = new Walk(rows, pairs);
        nint total = tree.Descend(new ShardRange(0, shards));
        if (tree.Taken != count)
            throw new InvalidOperationException($"the sum of shards {rows[tree.Taken].Shards} is no subtree of {shards} shards");
        Add(tree.Pairs, total, members, elements * type.Size(), type);
    }

    private static void Collect(ReadOnlySpan<Contribution> members, Span<Row> rows)
    {
        int at = 0;
        foreach (ref readonly var member in members)
        {
            for (int i = 0; i < member.Subtrees.Length; i++)
                rows[at++] = new Row(member.Subtrees[i], member.Rows.Address + (nint)(i * member.Rows.RowBytes));
        }

        rows.Sort(static (a, b) => a.Shards.First.CompareTo(b.Shards.First));
    }

    private static void Add(ReadOnlySpan<Pair> pairs, nint total, ReadOnlySpan<Contribution> members, long bytes, DType type)
    {
        for (long offset = 0; offset < bytes; offset += SegmentBytes)
        {
            int length = (int)Math.Min(SegmentBytes, bytes - offset);
            foreach (var pair in pairs)
                Add(pair, offset, length, type);
            var sum = new ReadOnlySpan<byte>((byte*)total + offset, length);
            foreach (ref readonly var member in members)
            {
                if (member.Rows.Address != total)
                    sum.CopyTo(new Span<byte>((byte*)member.Rows.Address + offset, length));
            }
        }
    }

    private static void Add(Pair pair, long offset, int length, DType type)
    {
        var left = new Span<byte>((byte*)pair.Left + offset, length);
        var right = new ReadOnlySpan<byte>((byte*)pair.Right + offset, length);
        switch (type)
        {
            case DType.Float32:
                Add<float>(left, right);
                break;
            case DType.Float64:
                Add<double>(left, right);
                break;
            case DType.Int32:
                Add<int>(left, right);
                break;
            case DType.Int64:
                Add<long>(left, right);
                break;
            default:
                throw new InvalidOperationException($"a bucket of {type} cannot be summed");
        }
    }

    private static void Add<T>(Span<byte> left, ReadOnlySpan<byte> right)
        where T : unmanaged, IAdditionOperators<T, T, T>
    {
        var wide = MemoryMarshal.Cast<byte, Vector<T>>(left);
        var wideFrom = MemoryMarshal.Cast<byte, Vector<T>>(right);
        for (int i = 0; i < wide.Length; i++)
            wide[i] += wideFrom[i];
        var rest = MemoryMarshal.Cast<byte, T>(left);
        var restFrom = MemoryMarshal.Cast<byte, T>(right);
        for (int i = wide.Length * Vector<T>.Count; i < rest.Length; i++)
            rest[i] += restFrom[i];
    }

    private readonly record struct Row(ShardRange Shards, nint Address);

    /// <summary>Right is added to left.</summary>
    private readonly record struct Pair(nint Left, nint Right);

    private ref struct Walk(ReadOnlySpan<Row> rows, Span<Pair> pairs)
    {
        private readonly ReadOnlySpan<Row> rows = rows;
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
