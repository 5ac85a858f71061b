namespace Singa.Actors.Collective.Tests;

public sealed class RoundSpecs
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    [Fact]
    public void It_completes_when_everybody_brought_everything_and_all_of_it_was_combined()
    {
        var round = Open(Groups.Even(2, buckets: 2), 7);
        Assert.False(Arrive(round, 0, 0));
        Assert.False(Arrive(round, 1, 1));
        Assert.True(Arrive(round, 0, 1));
        Assert.Null(round.Combine(1));
        Assert.True(Arrive(round, 1, 0));
        var outcome = round.Combine(0)!;
        Assert.True(outcome.Completed);
        Assert.Equal(Groups.Round(7), outcome.Round);
    }

    [Fact]
    public void Who_has_not_arrived_is_named()
    {
        var round = Open(Groups.Even(4), 17);
        Arrive(round, 0, 0, at: 10);
        Assert.Null(round.Check(TimeSpan.FromSeconds(12), Deadline));
        Arrive(round, 3, 0, at: 12);
        var outcome = round.Check(TimeSpan.FromSeconds(12.3), Deadline)!;
        Assert.Equal("rank 1 (cpu:1), rank 2 (cpu:2) have not arrived in round 17 of generation 1 for 2.3 s", outcome.Failure);
        Assert.Equal([1, 2], outcome.Missing.ToArray());
        Assert.Null(round.Check(TimeSpan.FromSeconds(20), Deadline));
        Assert.Equal(outcome.Failure, round.Arrive(1, 0, TimeSpan.FromSeconds(13), out _));
    }

    [Fact]
    public void Nobody_is_waited_for_where_nobody_waits() =>
        Assert.Null(Open(Groups.Even(2), 1).Check(TimeSpan.FromDays(1), Deadline));

    [Fact]
    public void Coming_twice_is_refused()
    {
        var round = Open(Groups.Even(2), 1);
        Arrive(round, 1, 0);
        Assert.Equal("rank 1 (cpu:1) has brought bucket 0 to round 1 of generation 1 already", round.Arrive(1, 0, TimeSpan.Zero, out _));
        Assert.Equal("round 1 of generation 1 has no rank 2 with a bucket 0", round.Arrive(2, 0, TimeSpan.Zero, out _));
    }

    [Fact]
    public void Combining_before_everybody_came_is_a_mistake_of_ours() =>
        Assert.Throws<InvalidOperationException>(() => Open(Groups.Even(2), 1).Combine(0));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Hundreds_of_members_in_any_order_with_repeats_and_losses_end_in_one_outcome(int seed)
    {
        var random = new Random(seed);
        for (int trial = 0; trial < 20; trial++)
        {
            var group = Groups.Even(random.Next(2, 300), random.Next(1, 4));
            var round = Open(group, trial);
            var lost = Enumerable.Range(0, group.Members.Length).Where(_ => trial % 2 == 1 && random.Next(50) == 0).ToHashSet();
            var arrivals = group.Members.Where(m => !lost.Contains(m.Rank))
                .SelectMany(m => Enumerable.Range(0, group.Buckets).SelectMany(b => Enumerable.Repeat((m.Rank, b), random.Next(10) == 0 ? 2 : 1))).ToArray();
            random.Shuffle(arrivals);
            List<RoundOutcome> outcomes = [];
            foreach (var (rank, bucket) in arrivals)
            {
                if (round.Arrive(rank, bucket, TimeSpan.FromMilliseconds(random.Next(100)), out bool last) is null && last && round.Combine(bucket) is { } outcome)
                    outcomes.Add(outcome);
            }

            if (round.Check(TimeSpan.FromMinutes(1), Deadline) is { } late)
                outcomes.Add(late);
            var single = Assert.Single(outcomes);
            Assert.Equal(lost.Count == 0, single.Completed);
            Assert.Equal(lost.Order(), single.Missing.ToArray());
        }
    }

    [Fact]
    public void Groups_that_do_not_cover_the_shards_are_faulty()
    {
        var good = Groups.Even(3);
        Assert.Null(good.Fault());
        Assert.Contains("hold 3 of its 4 shards", (good with { Shards = 4 }).Fault());
        Assert.Contains("begins at shard 2", (good with { Members = good.Members.RemoveAt(1) }).Fault());
        Assert.Contains("order of their ranks", (good with { Members = [.. good.Members.Reverse()] }).Fault());
        Assert.Contains("at least one bucket", (good with { Buckets = 0 }).Fault());
    }

    private static Round Open(RoundGroup group, long step)
    {
        var round = new Round(group);
        round.Open(step);
        return round;
    }

    private static bool Arrive(Round round, int rank, int bucket, double at = 0)
    {
        Assert.Null(round.Arrive(rank, bucket, TimeSpan.FromSeconds(at), out bool last));
        return last;
    }
}
