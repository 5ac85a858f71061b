using System.Collections.Immutable;

namespace Singa.Actors.Graph.Plans;

/// <summary>Shards <c>First</c> up to, not including, <c>First + Count</c>.</summary>
public readonly record struct ShardRange(int First, int Count)
{
    public int End => First + Count;

    public override string ToString() => Count == 1 ? $"{First}" : $"{First}-{End - 1}";
}

/// <summary>
/// The fixed binary tree along which V shards are summed, whoever holds them:
/// sum(l, r) = sum(l, m) + sum(m, r) with m = l + the largest power of two below r − l.
/// </summary>
public static class ShardTree
{
    /// <summary>Where the tree splits a range of at least two shards: the first shard of the right half.</summary>
    public static int Split(ShardRange range) => range.First + (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)range.Count) / 2;

    public static (ShardRange Left, ShardRange Right) Halves(ShardRange range)
    {
        int middle = Split(range);
        return (new ShardRange(range.First, middle - range.First), new ShardRange(middle, range.End - middle));
    }

    /// <summary>The fewest subtrees of the tree over <paramref name="shards"/> shards that together are <paramref name="range"/>, in order.</summary>
    public static ImmutableArray<ShardRange> Cover(int shards, ShardRange range)
    {
        if (range.First < 0 || range.Count < 0 || range.End > shards)
            throw new ArgumentOutOfRangeException(nameof(range), range, $"not within {shards} shards");
        var cover = ImmutableArray.CreateBuilder<ShardRange>();
        Descend(new ShardRange(0, shards));
        return cover.ToImmutable();

        void Descend(ShardRange node)
        {
            if (range.Count == 0 || node.End <= range.First || range.End <= node.First)
                return;
            if (range.First <= node.First && node.End <= range.End)
            {
                cover.Add(node);
                return;
            }

            var (left, right) = Halves(node);
            Descend(left);
            Descend(right);
        }
    }
}
