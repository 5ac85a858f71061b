using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Peers;

/// <summary>A group seen as processes: who lives where, and which of them this one is. Processes are numbered by their lowest rank.</summary>
internal sealed class ProcessGroup
{
    private const long EveryStep = long.MinValue;

    private readonly int[] processOf;
    private readonly Func<ShardRange, bool> covers, coversUneven;

    public ProcessGroup(RoundGroup group, PeerId local, int segmentBytes)
    {
        Group = group;
        SegmentBytes = segmentBytes;
        Processes = [.. group.Members.Select(m => m.Peer ?? local).Distinct()];
        Self = Processes.IndexOf(local);
        processOf = [.. group.Members.Select(m => Processes.IndexOf(m.Peer ?? local))];
        Ranks = [.. Processes.Select((_, p) => group.Members.Where(m => processOf[m.Rank] == p).Select(m => m.Rank).ToImmutableArray())];
        ImmutableArray<int> here = Self < 0 ? [] : Ranks[Self];
        covers = group.Covers(here, EveryStep);
        coversUneven = group.Uneven is { } uneven ? group.Covers(here, uneven.Step) : covers;
        // Where each of two sends one row, both add for themselves: as many bytes as with an owner, and one journey less.
        int rows = Ranks.Max(ranks => Rows(group.Shards, group.Covers(ranks, EveryStep)));
        Direct = Count == 2 && rows == 1;
        MostRows = group.Uneven is { } once ? Math.Max(rows, Ranks.Max(ranks => ranks.Sum(r => once.Brought[r].Length))) : rows;
        Digest = DigestOf();
        Programs = new SumPrograms(group.Shards);
    }

    public RoundGroup Group { get; }

    public int SegmentBytes { get; }

    public ImmutableArray<PeerId> Processes { get; }

    /// <summary>Ranks of each process, ascending.</summary>
    public ImmutableArray<ImmutableArray<int>> Ranks { get; }

    public int Count => Processes.Length;

    /// <summary>−1: no member lives here.</summary>
    public int Self { get; }

    /// <summary>Rows that a process brings at most: the fewest subtrees that are its shards, or as many as it brings in the uneven step.</summary>
    public int MostRows { get; }

    /// <summary>Whether every process adds everything for itself.</summary>
    public bool Direct { get; }

    /// <summary>Processes that mean the same group have the same.</summary>
    public long Digest { get; }

    /// <summary>Not thread-safe.</summary>
    public SumPrograms Programs { get; }

    public int ProcessOf(int rank) => processOf[rank];

    public BucketCut Cut(int bucket, long bytes) => new(bytes, bucket, Count, Direct, SegmentBytes);

    /// <summary>Whether all shards of a node of the tree are brought by members of this process.</summary>
    public Func<ShardRange, bool> CoversIn(long step) => Group.Uneven?.Step == step ? coversUneven : covers;

    private static int Rows(int shards, Func<ShardRange, bool> covers)
    {
        return Nodes(new ShardRange(0, shards));

        int Nodes(ShardRange node)
        {
            if (covers(node))
                return 1;
            if (node.Count == 1)
                return 0;
            var (left, right) = ShardTree.Halves(node);
            return Nodes(left) + Nodes(right);
        }
    }

    private long DigestOf()
    {
        var text = new StringBuilder($"{Group.Job} {Group.Generation} {Group.Shards} {Group.Buckets} {SegmentBytes}");
        foreach (var member in Group.Members)
            text.Append($"|{member.Rank} {member.Shards.First} {member.Shards.Count} {Processes[processOf[member.Rank]]} {Processes[processOf[member.Rank]].Incarnation}");
        if (Group.Uneven is { } uneven)
            text.Append($"|{uneven.Step}").AppendJoin('|', uneven.Brought.Select(b => string.Join(' ', b.Select(r => $"{r.First}+{r.Count}"))));
        return BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
