using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Tests.Scheduling;

/// <summary>Twelve steps, four an epoch.</summary>
public sealed class EvaluationPointsTests
{
    private static readonly DataDescription Data = new(
        new TensorType(DType.Float32, Shape.Of(2)), new TensorType(DType.Int32, Shape.Scalar), 3, 100, 70);

    [Fact]
    public void Tests_come_where_they_are_asked_for()
    {
        Assert.Equal([11], Tested(0, null, eachEpoch: false));
        Assert.Equal([3, 7, 11], Tested(0, null, eachEpoch: true));
        Assert.Equal([4, 9, 11], Tested(5, null, eachEpoch: false));
        Assert.Equal([3, 7, 11], Tested(0, new EarlyStopping(), eachEpoch: false));
        Assert.Equal([3, 4, 7, 9, 11], Tested(5, new EarlyStopping(), eachEpoch: true));
    }

    [Fact]
    public void What_a_host_wants_to_see_decides_nothing()
    {
        Assert.Equal([3, 7, 11], Judged(0, new EarlyStopping()));
        Assert.Equal([4, 9, 11], Judged(5, new EarlyStopping()));
        Assert.Empty(Judged(5, null));
    }

    [Fact]
    public void Steps_are_free_up_to_the_next_test()
    {
        long[] steps = [0, 4, 5, 10, 11];
        Assert.Equal([5L, 5, 10, 12, 12], steps.Select(Points(5, null, false).NextDecision));
        Assert.Equal([4L, 5, 8, 12, 12], steps.Select(Points(5, new EarlyStopping(), true).NextDecision));
        Assert.Equal([4L, 8, 8, 12, 12], steps.Select(Points(0, new EarlyStopping(), false).NextDecision));
        Assert.All(steps, step => Assert.Equal(12, Points(0, null, false).NextDecision(step)));
    }

    [Fact]
    public void Without_samples_held_back_nothing_can_stop_early() => Assert.Contains("the data has none", Assert.Throws<JobRefusedException>(() =>
        new EvaluationPoints(TinyJob.Create() with { EarlyStopping = new EarlyStopping() }, new TrainingOptions(), Data with { TestCount = 0 })).Message);

    private static int[] Tested(long every, EarlyStopping? stopping, bool eachEpoch)
    {
        var (points, schedule) = (Points(every, stopping, eachEpoch), JobSchedule.Of(TinyJob.Create(), 100));
        return [.. Enumerable.Range(0, 12).Where(step => points.IsTested(schedule[step]))];
    }

    private static int[] Judged(long every, EarlyStopping? stopping) => [.. Enumerable.Range(0, 12).Where(step => Points(every, stopping, true).IsJudged(step))];

    private static EvaluationPoints Points(long every, EarlyStopping? stopping, bool eachEpoch) => new(
        TinyJob.Create() with { EvaluateEvery = every, EarlyStopping = stopping }, new TrainingOptions { EvaluateEachEpoch = eachEpoch }, Data);
}
