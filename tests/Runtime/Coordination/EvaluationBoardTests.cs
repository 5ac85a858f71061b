using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class EvaluationBoardTests
{
    private static readonly EvaluationSchedule Schedule = EvaluationSchedule.Of(1000, 32);

    /// <summary>Whoever ran which batches, and whenever they reported, the figures are the same to the bit.</summary>
    [Fact]
    public void Who_ran_what_leaves_no_trace()
    {
        var random = new Random(3);
        var sums = Enumerable.Range(0, Schedule.Batches).Select(_ => new BatchSums((float)random.NextDouble() * 100, random.Next(32))).ToArray();
        var expected = Combine(sums, 1, random);

        for (int workers = 2; workers < 12; workers++)
            Assert.Equal(expected, Combine(sums, workers, random));
    }

    [Fact]
    public void It_is_complete_when_every_batch_is_there()
    {
        var board = new EvaluationBoard(Schedule, new Figures(true, false, 0));
        board.Put(1, [.. Enumerable.Repeat(default(BatchSums), Schedule.Batches - 1)]);
        Assert.False(board.IsComplete);
        board.Put(0, [default]);
        Assert.True(board.IsComplete);
        Assert.Throws<InvalidOperationException>(() => board.Put(0, [default]));
    }

    [Fact]
    public void Without_classes_there_is_no_accuracy()
    {
        var board = new EvaluationBoard(EvaluationSchedule.Of(10, 32), new Figures(false, false, 0));
        board.Put(0, [new BatchSums(20, 0)]);
        Assert.Equal(new TestFigures(2, null), board.Figures());
    }

    [Theory]
    [InlineData(1000, 64, 64, 16)]
    [InlineData(1000, 1, 16, 63)]
    [InlineData(1000, 4096, 256, 4)]
    [InlineData(10, 64, 10, 1)]
    [InlineData(0, 64, 1, 0)]
    public void Test_batches_are_the_jobs_within_reason(long samples, int batch, int size, int batches)
    {
        var schedule = EvaluationSchedule.Of(samples, batch);
        Assert.Equal((size, batches), (schedule.BatchSize, schedule.Batches));
        Assert.Equal(samples, Enumerable.Range(0, batches).Sum(b => schedule[b].Count));
    }

    private static TestFigures Combine(BatchSums[] sums, int workers, Random random)
    {
        var board = new EvaluationBoard(Schedule, new Figures(true, false, 0));
        foreach (var range in Assignment.Of(sums.Length, workers).OrderBy(_ => random.Next()))
            board.Put(range.First, [.. sums.AsSpan(range.First, range.Count)]);
        return board.Figures();
    }
}
