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
            var group = planes.Group(random, shards, home, elements.Length, generation);
            planes.Open(group);
            for (int step = 0; step < 6; step++)
            {
                // The last batch of an epoch leaves shards without a sample.
                int batch = step % 3 == 2 ? random.Next(1, shards + 1) : shards * 2 + random.Next(shards);
                Compare(planes, group, step, batch, elements, random);
            }
        }

        Assert.Empty(planes.Losses.SelectMany(l => l.Told));
    }

    private static void Compare(Planes planes, RoundGroup group, int step, int batch, int[] elements, Random random)
    {
        int seed = random.Next();
        var rows = elements.Select((n, b) => group.Bring(batch, n, r => Values(r, n, b, seed))).ToArray();
        var expected = elements.Select((n, b) =>
        {
            var alone = group.Bring(batch, n, r => Values(r, n, b, seed));
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

    private static float[] Values(ShardRange shards, int elements, int bucket, int seed)
    {
        var random = new Random(HashCode.Combine(shards.First, shards.Count, bucket, seed));
        return [.. Enumerable.Range(0, elements).Select(_ => random.NextSingle() * MathF.ScaleB(1, random.Next(-8, 9)) - 1)];
    }
}
