using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// The step a generation begins with, where some of its shard gradients are there from the generation before: sums over subtrees that nodes
/// have kept. What they cover is not computed again, whoever holds the shards now; what is missing is shared out among all members. The sums
/// meet along the same tree, so that nothing shows in the bits. <c>Shares[rank]</c>.
/// </summary>
public sealed record UnfinishedStep(long Step, ImmutableArray<StepShare> Shares)
{
    /// <summary>As many as a process may bring to a round.</summary>
    private const int MostRows = 64;

    public int Reused(int batch, int shards) => Shares.Sum(s => s.Kept.Sum(k => Present(k, batch, shards)));

    /// <summary>How the members see the step to its end; null where nothing is kept of it that helps.</summary>
    /// <param name="batch">Samples of the step: shards without any are not missing.</param>
    /// <param name="kept">Subtrees by node. Where two nodes have the same shards, the larger sum counts.</param>
    public static UnfinishedStep? Of(long step, int batch, int shards, ImmutableArray<Member> members, IEnumerable<(string Node, ImmutableArray<ShardRange> Rows)> kept)
    {
        var taken = new bool[shards];
        var usable = members.Select(_ => new List<ShardRange>()).ToArray();
        var all = kept.SelectMany(k => k.Rows.Select(row => (Row: row, Member: members.FirstOrDefault(m => m.Offer.Node == k.Node))))
            .Where(k => k.Member is not null && IsSubtree(k.Row, shards) && Present(k.Row, batch, shards) > 0);
        foreach (var (row, member) in all.OrderByDescending(k => k.Row.Count).ThenBy(k => k.Row.First).ThenBy(k => k.Member!.Rank))
        {
            var covered = taken.AsSpan(row.First, row.Count);
            if (covered.Contains(true))
                continue;
            covered.Fill(true);
            usable[member!.Rank].Add(row);
        }

        if (usable.All(u => u.Count == 0))
            return null;
        int[] missing = [.. Enumerable.Range(0, Math.Min(batch, shards)).Where(shard => !taken[shard])];
        var parts = Assignment.Of(missing.Length, [.. members.Select(m => m.Offer.Speed)]);
        ImmutableArray<StepShare> shares =
        [
            .. members.Select(m => new StepShare(
                [.. usable[m.Rank].OrderBy(r => r.First)], BatchLayout.Of(batch, shards, Ranges(missing.AsSpan(parts[m.Rank].First, parts[m.Rank].Count))).Rows)),
        ];
        bool isScattered = members.GroupBy(m => m.Offer.Node).Any(n => n.Sum(m => shares[m.Rank].Kept.Length + shares[m.Rank].Missing.Length) > MostRows);
        return isScattered ? null : new UnfinishedStep(step, shares);
    }

    /// <summary>The same as rounds know it.</summary>
    public UnevenStep AsUneven() => new(Step, [.. Shares.Select(s => s.Kept.AddRange(s.Missing))]);

    /// <summary>How many shards of a range have samples.</summary>
    internal static int Present(ShardRange range, int batch, int shards) => Math.Max(0, Math.Min(range.End, Math.Min(batch, shards)) - range.First);

    private static bool IsSubtree(ShardRange row, int shards) => row.First >= 0 && row.Count > 0 && row.End <= shards && ShardTree.Cover(shards, row).Length == 1;

    private static ImmutableArray<ShardRange> Ranges(ReadOnlySpan<int> ascending)
    {
        var ranges = ImmutableArray.CreateBuilder<ShardRange>();
        foreach (int shard in ascending)
        {
            if (ranges.Count > 0 && ranges[^1].End == shard)
                ranges[^1] = ranges[^1] with { Count = ranges[^1].Count + 1 };
            else
                ranges.Add(new ShardRange(shard, 1));
        }

        return ranges.ToImmutable();
    }
}

/// <summary>What one member brings of an unfinished step, as subtrees: sums that its node has, and those that it computes.</summary>
public sealed record StepShare(ImmutableArray<ShardRange> Kept, ImmutableArray<ShardRange> Missing);

/// <summary>
/// What a node has of a step that was interrupted. <c>Rows</c>: subtrees whose sums it has. <c>Computed</c>: how many shard gradients it finished of it in
/// this generation.
/// </summary>
public sealed record KeptShards(long Step, Generation Generation, int Computed, ImmutableArray<ShardRange> Rows);
