using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Tests.Scheduling;

public sealed class JobScheduleTests
{
    [Fact]
    public void The_cursor_says_what_comes_next()
    {
        var schedule = JobSchedule.Of(100, 32, 3, 0, 4);
        Assert.Equal(
            [new(0, 0), new(0, 96), new(1, 0), new(2, 96), new DataCursor(3, 0)], new long[] { 0, 3, 4, 11, 12 }.Select(schedule.Cursor));
    }

    [Theory]
    [InlineData(64, 8)]
    [InlineData(63, 4)]
    [InlineData(8, 1)]
    [InlineData(1, 1)]
    [InlineData(15, 1)]
    [InlineData(16, 2)]
    [InlineData(255, 16)]
    [InlineData(256, 32)]
    [InlineData(4096, 32)]
    public void Shards_by_themselves_are_a_power_of_two_that_leaves_eight_samples(int batch, int shards) =>
        Assert.Equal(shards, JobSchedule.Of(10_000, batch, 1, 0, shards: 0).Shards);

    [Fact]
    public void The_short_last_batch_of_an_epoch_runs_too()
    {
        var schedule = JobSchedule.Of(samples: 100, batchSize: 32, epochs: 2, maxSteps: 0, shards: 0);

        Assert.Equal(8, schedule.TotalSteps);
        Assert.Equal([32, 32, 32, 4, 32, 32, 32, 4], Steps(schedule).Select(s => s.Samples));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], Steps(schedule).Select(s => s.Epoch));
        Assert.Equal([3L, 7L], Steps(schedule).Where(s => s.EndsEpoch).Select(s => s.Step));
        Assert.Equal([32, 4], schedule.BatchSizes.AsEnumerable());
    }

    [Fact]
    public void Max_steps_ends_a_job_early_and_never_late()
    {
        Assert.Equal(5, JobSchedule.Of(100, 32, 2, 5, 0).TotalSteps);
        Assert.Equal(8, JobSchedule.Of(100, 32, 2, 500, 0).TotalSteps);
        Assert.Equal([32], JobSchedule.Of(100, 32, 2, 3, 0).BatchSizes.AsEnumerable());
        Assert.Equal(2, JobSchedule.Of(100, 32, 3, 5, 0).Epochs);
    }

    [Fact]
    public void A_batch_larger_than_the_data_is_the_data() => Assert.Equal([20], JobSchedule.Of(20, 64, 3, 0, 0).BatchSizes.AsEnumerable());

    [Theory]
    [InlineData(0, 64, 1, 0, 0, "no samples")]
    [InlineData(10, 0, 1, 0, 0, "batch-size")]
    [InlineData(10, 1, 0, 0, 0, "epochs")]
    [InlineData(10, 1, 1, -1, 0, "max-steps")]
    [InlineData(10, 1, 1, 0, -1, "shards")]
    public void Nonsense_is_refused_by_name(long samples, int batch, int epochs, long maxSteps, int shards, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentOutOfRangeException>(() => JobSchedule.Of(samples, batch, epochs, maxSteps, shards)).Message);

    [Theory]
    [InlineData(100, 32, 8, 3)]
    [InlineData(97, 13, 5, 4)]
    [InlineData(10, 7, 32, 9)]
    [InlineData(3, 64, 8, 8)]
    public void Every_position_of_an_epoch_belongs_to_one_shard_of_one_step(int samples, int batch, int shards, int workers)
    {
        var schedule = JobSchedule.Of(samples, batch, 1, 0, shards);
        var seen = new List<long>();
        foreach (var step in Steps(schedule))
        {
            foreach (var range in Assignment.Of(shards, workers))
            {
                var (first, count) = schedule.Positions(step, range);
                Assert.Equal(BatchLayout.Of(step.Samples, shards, range).LocalSamples, count);
                for (int i = 0; i < count; i++)
                    seen.Add(first + i);
            }
        }

        Assert.Equal(Enumerable.Range(0, samples).Select(i => (long)i), seen);
    }

    [Fact]
    public void Layouts_come_in_the_order_of_the_batch_sizes()
    {
        var layouts = JobSchedule.Of(100, 32, 1, 0, 4).Layouts(new ShardRange(1, 2));

        Assert.Equal([32, 4], layouts.Select(l => l.Samples));
        Assert.Equal([16, 2], layouts.Select(l => l.LocalSamples));
    }

    private static IEnumerable<ScheduledStep> Steps(JobSchedule schedule)
    {
        for (long step = 0; step < schedule.TotalSteps; step++)
            yield return schedule[step];
    }
}
