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

    public unsafe Contribution Bring(IExchangeCompletion done) =>
        new(new HostRows((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref storage[0]), Layout.Rows.Length, Elements, DType.Float32), Layout.Rows, done);
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

    public static RoundId Round(long step, long generation = 1) => new(Job, new Generation(generation), step);

    public static Bucket[] Bring(this RoundGroup group, int batch, int elements, Func<ShardRange, float[]> sum) =>
        [.. group.Members.Select(m => new Bucket(BatchLayout.Of(batch, group.Shards, m.Shards), elements, sum))];
}
