namespace Singa.Actors.Collective.Tests;

public sealed class StepPaceSpecs
{
    private static readonly StepDeadline Deadline = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), 10);

    [Fact]
    public void The_first_round_is_given_more()
    {
        var pace = new StepPace(At(100));
        Assert.Equal(10, Allow(pace, 100.5));
        Assert.Equal(30, Allow(pace, 103));
    }

    [Fact]
    public void Then_ten_times_what_is_usual_and_never_less_than_the_least()
    {
        var pace = new StepPace(At(0));
        foreach (double spread in new[] { 0.01, 0.02, 0.05 })
            pace.Completed(At(1), At(1 + spread), At(1 + spread));
        Assert.Equal(2, Allow(pace, 1.1));
        pace = new StepPace(At(0));
        // One slow round changes nothing; the median counts.
        foreach (double spread in new[] { 0.5, 0.5, 40, 0.6, 0.5 })
            pace.Completed(At(1), At(1 + spread), At(1 + spread));
        Assert.Equal(5, Allow(pace, 1.1));
    }

    [Fact]
    public void Old_rounds_are_forgotten()
    {
        var pace = new StepPace(At(0));
        for (int i = 0; i < 40; i++)
            pace.Completed(At(1), At(2), At(2));
        for (int i = 0; i < 31; i++)
            pace.Completed(At(3), At(6), At(6));
        Assert.Equal(30, Allow(pace, 6.1));
    }

    [Fact]
    public void After_an_interruption_others_get_as_long_as_the_first_took()
    {
        var pace = new StepPace(At(0));
        for (int i = 0; i < 10; i++)
            pace.Completed(At(i), At(i + 0.1), At(i + 0.1));
        Assert.Equal(2, Allow(pace, 10));
        Assert.Equal(15, Allow(pace, 24.1));
    }

    private static double Allow(StepPace pace, double firstArrival) => Math.Round(pace.Allow(At(firstArrival), Deadline).TotalSeconds, 6);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
