using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Peers;

/// <summary>A group seen as processes: who lives where, and which of them this one is. Processes are numbered by their lowest rank.</summary>
internal sealed class ProcessGroup
{
    private readonly int[] processOf;
    private readonly bool[] covered;

    public ProcessGroup(RoundGroup group, PeerId local, int segmentBytes)
    {
        Group = group;
        SegmentBytes = segmentBytes;
        Processes = [.. group.Members.Select(m => m.Peer ?? local).Distinct()];
        Self = Processes.IndexOf(local);
        processOf = [.. group.Members.Select(m => Processes.IndexOf(m.Peer ?? local))];
        Ranks = [.. Processes.Select((_, p) => group.Members.Where(m => processOf[m.Rank] == p).Select(m => m.Rank).ToImmutableArray())];
        covered = new bool[group.Shards];
        foreach (var member in group.Members.Where(m => processOf[m.Rank] == Self))
            covered.AsSpan(member.Shards.First, member.Shards.Count).Fill(true);
        // Where each of two sends one row, both add for themselves: as many bytes as with an owner, and one journey less.
        MostRows = Ranks.Max(ranks => Rows(group, ranks));
        Direct = Count == 2 && MostRows == 1;
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

    /// <summary>Rows that a process brings at most: the fewest subtrees that are its shards.</summary>
    public int MostRows { get; }

    /// <summary>Whether every process adds everything for itself.</summary>
    public bool Direct { get; }

    /// <summary>Processes that mean the same group have the same.</summary>
    public long Digest { get; }

    /// <summary>Not thread-safe.</summary>
    public SumPrograms Programs { get; }

    public int ProcessOf(int rank) => processOf[rank];

    public BucketCut Cut(int bucket, long bytes) => new(bytes, bucket, Count, Direct, SegmentBytes);

    /// <summary>Whether all shards of a node of the tree belong to members of this process.</summary>
    public bool Covers(ShardRange node) => !covered.AsSpan(node.First, node.Count).Contains(false);

    private static int Rows(RoundGroup group, ImmutableArray<int> ranks)
    {
        var own = new bool[group.Shards];
        foreach (int rank in ranks)
            own.AsSpan(group.Members[rank].Shards.First, group.Members[rank].Shards.Count).Fill(true);
        return Nodes(new ShardRange(0, group.Shards));

        int Nodes(ShardRange node)
        {
            var span = own.AsSpan(node.First, node.Count);
            if (!span.Contains(true))
                return 0;
            if (!span.Contains(false))
                return 1;
            var (left, right) = ShardTree.Halves(node);
            return Nodes(left) + Nodes(right);
        }
    }

    private long DigestOf()
    {
        var text = new StringBuilder($"{Group.Job} {Group.Generation} {Group.Shards} {Group.Buckets} {SegmentBytes}");
        foreach (var member in Group.Members)
            text.Append($"|{member.Rank} {member.Shards.First} {member.Shards.Count} {Processes[processOf[member.Rank]]} {Processes[processOf[member.Rank]].Incarnation}");
        return BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
