using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Tests.Scheduling;

public sealed class AssignmentTests
{
    [Theory]
    [InlineData(8, 1, new[] { 8 })]
    [InlineData(8, 2, new[] { 4, 4 })]
    [InlineData(8, 3, new[] { 3, 3, 2 })]
    [InlineData(8, 4, new[] { 2, 2, 2, 2 })]
    [InlineData(2, 4, new[] { 1, 1, 0, 0 })]
    [InlineData(0, 2, new[] { 0, 0 })]
    public void Equal_devices_take_equal_parts(int shards, int devices, int[] expected) =>
        Assert.Equal(expected, Assignment.Of(shards, devices).Select(r => r.Count));

    [Fact]
    public void A_device_twice_as_fast_takes_twice_as_much() => Assert.Equal([4, 2, 2], Assignment.Of(8, [2, 1, 1]).Select(r => r.Count));

    [Fact]
    public void The_slow_stand_by_where_there_is_too_little() => Assert.Equal([0, 1, 1], Assignment.Of(2, [1, 3, 2]).Select(r => r.Count));

    /// <summary>For any speeds: complete, contiguous, nobody idle without need, the faster never with less, and the same answer twice.</summary>
    [Fact]
    public void Holds_for_any_devices()
    {
        var random = new Random(5);
        for (int round = 0; round < 500; round++)
        {
            int shards = random.Next(0, 40);
            var speeds = Enumerable.Range(0, random.Next(1, 12)).Select(_ => 0.1 + Math.Round(random.NextDouble() * 4, 1)).ToArray();

            var ranges = Assignment.Of(shards, speeds);

            Assert.Equal(ranges.AsEnumerable(), Assignment.Of(shards, speeds));
            int next = 0;
            foreach (var range in ranges)
            {
                Assert.Equal(next, range.First);
                next = range.End;
            }

            Assert.Equal(shards, next);
            Assert.Equal(Math.Min(shards, speeds.Length), ranges.Count(r => r.Count > 0));
            for (int a = 0; a < speeds.Length; a++)
            {
                for (int b = 0; b < speeds.Length; b++)
                    Assert.False(speeds[a] > speeds[b] && ranges[a].Count < ranges[b].Count, $"{speeds[a]} got {ranges[a]}, {speeds[b]} got {ranges[b]}");
            }
        }
    }

    [Fact]
    public void A_speed_must_be_positive() => Assert.Throws<ArgumentOutOfRangeException>(() => Assignment.Of(4, [1, 0]));
}
