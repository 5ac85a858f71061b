using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Collective.Tests;

/// <summary>A member's bucket in pinned memory, filled with the sums of its subtrees.</summary>
internal sealed class Bucket
{
    private readonly float[] storage;
    private readonly List<float[]> beside = [];
    private ImmutableArray<SubtreeRow> further;

    public Bucket(BatchLayout layout, int elements, Func<ShardRange, float[]> sum)
    {
        Layout = layout;
        Elements = elements;
        storage = GC.AllocateArray<float>(Math.Max(1, layout.Rows.Length) * elements, pinned: true);
        for (int i = 0; i < layout.Rows.Length; i++)
            sum(layout.Rows[i]).CopyTo(storage, i * elements);
    }

    public BatchLayout Layout { get; }

    public int Elements { get; }

    public ReadOnlySpan<float> Total => storage.AsSpan(0, Elements);

    public RowMark Mark { get; } = new();

    /// <summary>Rows that do not lie on the device.</summary>
    public Bucket With(ImmutableArray<ShardRange> subtrees, Func<ShardRange, float[]> sum)
    {
        further = [.. subtrees.Select(s => new SubtreeRow(s, Pinned(sum(s))))];
        return this;
    }

    public Contribution Bring(IExchangeCompletion done) =>
        new(new HostRows(Address(storage), Layout.Rows.Length, Elements, DType.Float32), Layout.Rows, new Holding(this, done)) { Further = further, Mark = Mark };

    private nint Pinned(float[] values)
    {
        var pinned = GC.AllocateArray<float>(values.Length, pinned: true);
        values.CopyTo(pinned, 0);
        beside.Add(pinned);
        return Address(pinned);
    }

    private static unsafe nint Address(float[] pinned) => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref pinned[0]);
}

/// <summary>A round has only addresses, and may add and write when whoever brought them has long ended: what it tells keeps the memory until it is told.</summary>
internal sealed class Holding(Bucket bucket, IExchangeCompletion done) : IExchangeCompletion
{
    public Bucket Bucket => bucket;

    public void Complete() => done.Complete();

    public void Fail(string reason) => done.Fail(reason);
}

/// <summary>What a member's device was told.</summary>
internal sealed class Told : IExchangeCompletion
{
    private int count;

    public string? Failure { get; private set; }

    public bool IsOver => Volatile.Read(ref count) > 0;

    public int Count => Volatile.Read(ref count);

    public void Complete() => Interlocked.Increment(ref count);

    public void Fail(string reason)
    {
        Failure = reason;
        Interlocked.Increment(ref count);
    }
}

internal static class Groups
{
    public static readonly JobId Job = new("digits");

    /// <summary>Random cut of <paramref name="shards"/> over <paramref name="members"/>; a member may come away with nothing.</summary>
    public static RoundGroup Random(Random random, int shards, int members, int buckets = 1, long generation = 1)
    {
        var cuts = Enumerable.Range(0, members - 1).Select(_ => random.Next(shards + 1)).Order().Prepend(0).Append(shards).ToArray();
        return new RoundGroup(Job, new Generation(generation), shards, buckets,
            [.. Enumerable.Range(0, members).Select(r => new RoundMember(r, $"cpu:{r}", new ShardRange(cuts[r], cuts[r + 1] - cuts[r])))]);
    }

    public static RoundGroup Even(int members, int buckets = 1, long generation = 1) =>
        new(Job, new Generation(generation), members, buckets,
            [.. Enumerable.Range(0, members).Select(r => new RoundMember(r, $"cpu:{r}", new ShardRange(r, 1)))]);

    /// <summary>The group with an uneven step: every shard that has samples is brought by a random member, as part of a random subtree.</summary>
    public static RoundGroup Uneven(this RoundGroup group, Random random, long step, int batch)
    {
        int present = Math.Min(batch, group.Shards);
        var brought = group.Members.Select(_ => new List<ShardRange>()).ToArray();
        Descend(new ShardRange(0, group.Shards));
        return group with { Uneven = new UnevenStep(step, [.. brought.Select(b => b.ToImmutableArray())]) };

        void Descend(ShardRange node)
        {
            if (node.First >= present)
                return;
            // A sum of shards of unlike sizes is nobody's, unless it was put together by a whole process.
            if (node.Count == 1 || random.Next(3) == 0)
            {
                brought[random.Next(brought.Length)].Add(node);
                return;
            }

            var (left, right) = ShardTree.Halves(node);
            Descend(left);
            Descend(right);
        }
    }

    /// <summary>What members bring in the uneven step: some of it lies on their devices, some does not.</summary>
    public static Bucket[] BringUneven(this RoundGroup group, int batch, int elements, Func<ShardRange, float[]> sum, Random random) =>
    [
        .. group.Uneven!.Brought.Select(b =>
        {
            var here = b.Where(_ => random.Next(2) == 0).ToImmutableArray();
            return new Bucket(new BatchLayout(batch, [], here), elements, sum).With([.. b.Except(here)], sum);
        }),
    ];

    public static RoundId Round(long step, long generation = 1) => new(Job, new Generation(generation), step);

    public static Bucket[] Bring(this RoundGroup group, int batch, int elements, Func<ShardRange, float[]> sum) =>
        [.. group.Members.Select(m => new Bucket(BatchLayout.Of(batch, group.Shards, m.Shards), elements, sum))];
}
