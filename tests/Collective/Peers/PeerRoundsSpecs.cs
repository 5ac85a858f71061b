using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Collective.Tests.Peers;

public sealed class PeerRoundsSpecs
{
    [Theory]
    [InlineData(2, 2, 2, false)]
    [InlineData(2, 3, 8, false)]
    [InlineData(3, 3, 8, false)]
    [InlineData(3, 6, 11, false)]
    [InlineData(4, 4, 16, false)]
    [InlineData(5, 9, 32, false)]
    [InlineData(2, 4, 8, true)]
    [InlineData(4, 5, 8, true)]
    public void The_bits_are_those_of_one_process(int processes, int members, int shards, bool secret)
    {
        var random = new Random(HashCode.Combine(processes, members, shards));
        using var planes = new Planes(processes, secret ? "correct horse battery" : null, segmentBytes: 4096);
        for (int generation = 1; generation <= 3; generation++)
        {
            int[] home = [.. Enumerable.Range(0, members).Select(r => r < processes ? r : random.Next(processes)).Order()];
            int[] elements = [random.Next(1, 50), random.Next(1000, 20_000), 1024 * processes];
            int[] batches = [.. Enumerable.Range(0, 6).Select(step => step % 3 == 2 ? random.Next(1, shards + 1) : shards * 2 + random.Next(shards))];
            var group = planes.Group(random, shards, home, elements.Length, generation).Uneven(random, generation, batches[generation]);
            planes.Open(group);
            for (int step = 0; step < 6; step++)
            {
                // The last batch of an epoch leaves shards without a sample.
                int batch = batches[step];
                Compare(planes, group, step, batch, elements, random);
            }
        }

        Assert.Empty(planes.Losses.SelectMany(l => l.Told));
    }

    private static void Compare(Planes planes, RoundGroup group, int step, int batch, int[] elements, Random random)
    {
        int seed = random.Next();
        var rows = elements.Select((n, b) => group.Uneven!.Step == step
            ? group.BringUneven(batch, n, r => Tree(r, n, b, seed, Math.Min(batch, group.Shards))!, random)
            : group.Bring(batch, n, r => Tree(r, n, b, seed, Math.Min(batch, group.Shards))!)).ToArray();
        var expected = elements.Select((n, b) =>
        {
            var alone = group.Bring(batch, n, r => Tree(r, n, b, seed, Math.Min(batch, group.Shards))!);
            TreeSum.Combine(group.Shards, [.. alone.Select(a => a.Bring(new Told()))]);
            return alone[0].Total.ToArray();
        }).ToArray();
        var arrivals = group.Members.SelectMany(m => Enumerable.Range(0, elements.Length).Select(b => (m.Rank, Bucket: b))).ToArray();
        random.Shuffle(arrivals);
        var told = arrivals.Select(a => planes.Begin(group, step, a.Rank, a.Bucket, rows[a.Bucket][a.Rank])).ToArray();
        planes.Until(() => told.All(t => t.IsOver), $"the end of step {step} of {group.Generation}");
        Assert.True(told.All(t => t.Failure is null), string.Join("\n", told.Select(t => t.Failure).Distinct().Concat(planes.Log)));
        Assert.All(told, t => Assert.Equal(1, t.Count));
        for (int b = 0; b < elements.Length; b++)
            Assert.All(rows[b], r => Assert.Equal(expected[b], r.Total.ToArray()));
    }

    private static float[]? Tree(ShardRange range, int elements, int bucket, int seed, int present)
    {
        if (range.Count == 1)
            return range.First < present ? Values(range.First, elements, bucket, seed) : null;
        var (left, right) = ShardTree.Halves(range);
        var (a, b) = (Tree(left, elements, bucket, seed, present), Tree(right, elements, bucket, seed, present));
        return a is null || b is null ? a ?? b : [.. a.Zip(b, (x, y) => x + y)];
    }

    private static float[] Values(int shard, int elements, int bucket, int seed)
    {
        var random = new Random(HashCode.Combine(shard, bucket, seed));
        return [.. Enumerable.Range(0, elements).Select(_ => random.NextSingle() * MathF.ScaleB(1, random.Next(-8, 9)) - 1)];
    }
}
