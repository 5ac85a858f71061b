using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class AdmissionTests
{
    private readonly Admission admission = new(2);

    [Fact]
    public void All_go_to_the_furthest_step_that_any_of_them_has_admitted()
    {
        Assert.Equal([new JobDecision.Hold(1)], admission.Rest(end: false));
        Assert.Empty(admission.Answer(1, 0, next: 5, committed: 3));
        Assert.Equal([new JobDecision.Run(6)], admission.Answer(1, 1, next: 6, committed: 3));
        Assert.Empty(admission.Reach(5));
        Assert.Equal([new JobDecision.Paused(6)], admission.Reach(6));
        Assert.True(admission.IsResting);
        Assert.Equal([new JobDecision.Run(100), new JobDecision.Resumed()], admission.Resume(100));
        Assert.False(admission.IsResting);
    }

    [Fact]
    public void Workers_that_have_nothing_under_way_rest_at_once()
    {
        Assert.Single(admission.Rest(end: false));
        admission.Answer(1, 0, 5, 5);
        Assert.Equal([new JobDecision.Run(5), new JobDecision.Paused(5)], admission.Answer(1, 1, 5, 5));
    }

    [Fact]
    public void A_pause_that_is_taken_back_before_it_came_leaves_no_trace()
    {
        Assert.Single(admission.Rest(end: false));
        admission.Answer(1, 0, 5, 3);
        Assert.Equal([new JobDecision.Run(100), new JobDecision.Resumed()], admission.Resume(100));
        Assert.Empty(admission.Answer(1, 1, 6, 4));
        Assert.Equal([new JobDecision.Hold(2)], admission.Rest(end: false));
        Assert.Empty(admission.Answer(1, 1, 6, 4));
        Assert.Empty(admission.Answer(2, 1, 8, 6));
        Assert.Equal([new JobDecision.Run(8)], admission.Answer(2, 0, 7, 6));
    }

    [Fact]
    public void Whoever_is_to_end_does_not_go_on()
    {
        Assert.Single(admission.Rest(end: false));
        Assert.Empty(admission.Rest(end: true));
        admission.Answer(1, 0, 5, 5);
        Assert.Equal([new JobDecision.Run(5), new JobDecision.Stop(5)], admission.Answer(1, 1, 5, 5));
        Assert.Empty(admission.Resume(100));
    }

    [Fact]
    public void A_job_at_rest_can_be_ended_there()
    {
        Assert.Single(admission.Rest(end: false));
        admission.Answer(1, 0, 5, 5);
        Assert.Equal(2, admission.Answer(1, 1, 5, 5).Count());
        Assert.Equal([new JobDecision.Paused(5)], admission.Rest(end: false));
        Assert.Equal([new JobDecision.Stop(5)], admission.Rest(end: true));
    }

    /// <summary>A decision that there are more steps must not set those free who are to rest.</summary>
    [Fact]
    public void More_steps_are_for_those_who_run()
    {
        Assert.Equal([new JobDecision.Run(20)], admission.Extend(20));
        Assert.Single(admission.Rest(end: false));
        Assert.Empty(admission.Extend(40));
        Assert.Equal([new JobDecision.Run(60), new JobDecision.Resumed()], admission.Resume(60));
    }

    [Fact]
    public void Whoever_runs_is_told_that_it_does() => Assert.Equal([new JobDecision.Resumed()], admission.Resume(10));
}
