using System.Collections.Immutable;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Regrouping;

public sealed class GenerationChangeTests
{
    private static readonly NodeKey A = new("a", 1), B = new("b", 2), C = new("c", 3), D = new("d", 4);
    private static readonly RegroupingTimes Times = RegroupingTimes.Default;
    private readonly Roll first = new(Ballot.Of(1, A), A, [A, B, C]);
    private readonly Seat seat = new(A, Roll.Founding(A), Times);
    private readonly GenerationChange change;

    public GenerationChangeTests()
    {
        Assert.Null(seat.On(new Begin(first, Roll.Founding(A), []), At(0)));
        Assert.True(seat.Begun(first.Ballot, At(0)));
        change = new GenerationChange(seat, [D], Times, At(0));
        var ask = Assert.IsType<ChangeDecision.Ask>(Assert.Single(change.Open()));
        Assert.Equal([A, B, C, D], ask.Nodes.AsEnumerable());
        Assert.Null(seat.On(ask.Hold, At(0)));
    }

    [Fact]
    public void All_promise_all_are_ready_and_it_runs()
    {
        Promise(B, 7);
        Promise(A, 7);
        Promise(C, 7);
        var formation = Formed(Promise(D, null));
        Assert.Equal([A, B, C, D], formation.TakePart.AsEnumerable());
        Assert.Equal(7, formation.Step);
        Assert.Equal([A, B, C], formation.Ahead.AsEnumerable());
        Assert.Equal(A, Assert.Single(formation.Fetches).Value);
        Start(formation, A, B, C, D);
        foreach (var node in new[] { B, C, D })
            Assert.Empty(change.Ready(node, change.Ballot, At(0.2)));
        var run = Assert.IsType<ChangeDecision.Run>(Assert.Single(change.Ready(A, change.Ballot, At(0.2))));
        Assert.Equal(2, run.Roll.Generation.Number);
        Assert.Equal(run.Roll, seat.Present);
        Assert.True(change.IsOver);
    }

    [Fact]
    public void It_begins_where_the_furthest_is_and_the_others_fetch_from_him()
    {
        Promise(A, 7);
        Promise(B, 8);
        Promise(C, 7);
        var formation = Formed(Promise(D, 3));
        Assert.Equal(8, formation.Step);
        Assert.Equal([B], formation.Ahead.AsEnumerable());
        Assert.Equal([A, C, D], formation.Fetches.Keys.Order());
        Assert.All(formation.Fetches.Values, source => Assert.Equal(B, source));
    }

    [Fact]
    public void The_silent_have_their_grace_where_the_rule_is_kept_and_are_remembered()
    {
        Promise(A, 7);
        Assert.Empty(Promise(C, 7));
        Assert.DoesNotContain(change.Tick(At(0.4)), d => d is ChangeDecision.Form);
        var formation = Formed(change.Tick(At(0.5)));
        Assert.Equal([A, C], formation.TakePart.AsEnumerable());
        Assert.Equal([B], formation.Missing.AsEnumerable());
    }

    [Fact]
    public void A_node_that_comes_to_rest_slowly_is_not_silent()
    {
        Promise(A, 7);
        Promise(C, 7);
        for (double at = 0.2; at < 9.9; at += 0.2)
        {
            change.Heard(B, At(at));
            Assert.DoesNotContain(change.Tick(At(at)), d => d is ChangeDecision.Form);
        }

        change.Heard(B, At(10));
        Assert.DoesNotContain(B, Formed(change.Tick(At(10))).TakePart);
    }

    [Fact]
    public void Without_a_majority_it_waits_says_whom_it_misses_and_goes_on_at_their_death()
    {
        Promise(A, 7);
        Assert.Empty(change.Tick(At(0.05)));
        var wait = Assert.Single(change.Tick(At(0.6)).OfType<ChangeDecision.Wait>());
        Assert.Equal([B, C], wait.Missed.AsEnumerable());
        Assert.Equal("b and c say nothing and may still be alive: 1 of 3 ranks of generation 1 are no majority", wait.Reason);
        Assert.Empty(change.Tick(At(0.62)));
        Assert.Equal(wait, change.Waiting);
        seat.ProvedDead(C, At(20));
        Assert.Equal([A], Formed(change.ProvedDead(C, At(20))).TakePart.AsEnumerable());
    }

    [Fact]
    public void A_death_before_all_are_ready_costs_another_ballot()
    {
        Start(FormAll(), A, B, C, D);
        seat.ProvedDead(B, At(0.2));
        var ask = Assert.IsType<ChangeDecision.Ask>(Assert.Single(change.ProvedDead(B, At(0.2))));
        Assert.Equal(Ballot.Of(3, A), ask.Hold.Ballot);
        Assert.Equal([A, C, D], ask.Nodes.Order());
        Assert.Empty(change.Ready(C, Ballot.Of(2, A), At(0.2)));
    }

    [Fact]
    public void Silence_before_all_are_ready_costs_another_ballot_too()
    {
        Start(FormAll(), A, B, C, D);
        foreach (var node in new[] { A, C, D })
            change.Ready(node, change.Ballot, At(0.2));
        change.Heard(B, At(0.5));
        Assert.Equal(Ballot.Of(2, A), change.Ballot);
        change.Tick(At(0.9));
        Assert.Equal(Ballot.Of(2, A), change.Ballot);
        Assert.Single(change.Tick(At(1)).OfType<ChangeDecision.Ask>());
        Assert.Equal(Ballot.Of(3, A), change.Ballot);
    }

    [Fact]
    public void Whoever_has_promised_somebody_else_meanwhile_begins_nothing()
    {
        Start(FormAll(), A, B, C, D);
        foreach (var node in new[] { B, C, D })
            change.Ready(node, change.Ballot, At(0.2));
        Assert.Null(seat.On(new Hold(Ballot.Of(7, C), C, Ballot.Of(2, A)), At(0.3)));
        Assert.IsType<ChangeDecision.Stop>(Assert.Single(change.Ready(A, change.Ballot, At(0.3))));
        Assert.Equal(first, seat.Present);
        Assert.Equal(C, seat.Awaited);
    }

    [Fact]
    public void A_node_that_cannot_begin_votes_and_takes_no_part()
    {
        Start(FormAll(), A, B, C, D);
        Assert.NotEmpty(change.Unfit(B, At(0.2)));
        Assert.Null(seat.On(new Hold(change.Ballot, A, seat.Latest.Ballot), At(0.2)));
        var formation = FormAll();
        Assert.Equal([A, C, D], formation.TakePart.AsEnumerable());
        Assert.Equal([B], formation.Witnesses.AsEnumerable());
    }

    [Fact]
    public void Whoever_leaves_agrees_and_takes_no_part()
    {
        Promise(A, 7);
        Promise(B, 7, leaves: true);
        Promise(C, 7);
        var formation = Formed(Promise(D, 7));
        Assert.Equal([A, C, D], formation.TakePart.AsEnumerable());
        Assert.Equal([B], formation.Witnesses.AsEnumerable());
    }

    [Fact]
    public void Nobody_leaves_where_the_silent_could_then_go_on_as_well()
    {
        var two = new Seat(C, Roll.Founding(A), Times);
        Assert.Null(two.On(new Begin(first, Roll.Founding(A), []), At(0)));
        two.Begun(first.Ballot, At(0));
        var other = new GenerationChange(two, [], Times, At(0));
        Assert.Null(two.On(new Hold(other.Ballot, C, first.Ballot), At(0)));
        other.On(C, two.Answer(7), At(0));
        other.On(B, new Promise(other.Ballot, first, [], 7, Leaves: true), At(0));
        Assert.Equal([B, C], Assert.Single(other.Tick(At(0.6)).OfType<ChangeDecision.Form>()).Formation.TakePart.AsEnumerable());
    }

    [Fact]
    public void A_generation_that_may_have_begun_must_agree_too()
    {
        var second = new Roll(Ballot.Of(2, B), B, [B, B, B, C, D]);
        var other = new Seat(C, Roll.Founding(A), Times);
        Assert.Null(other.On(new Begin(first, Roll.Founding(A), []), At(0)));
        Assert.True(other.Begun(first.Ballot, At(0)));
        Assert.Null(other.On(new Begin(second, first, []), At(0)));
        var late = new GenerationChange(other, [], Times, At(5));
        Assert.Null(other.On(new Hold(late.Ballot, C, second.Ballot), At(5)));
        late.On(C, other.Answer(7), At(5));
        Assert.DoesNotContain(late.On(A, new Promise(late.Ballot, first, [], 7), At(5)), d => d is ChangeDecision.Form);
        Assert.Equal([B, D], Assert.Single(late.Tick(At(6)).OfType<ChangeDecision.Wait>()).Missed.AsEnumerable());
        // It was not ready, so that the other cannot have begun.
        Assert.Equal([A, C, D], Formed(late.On(D, new Promise(late.Ballot, Roll.Founding(A), [], 7), At(6)), late, At(7)).TakePart.AsEnumerable());
    }

    [Fact]
    public void Whoever_lives_in_a_later_generation_ends_it()
    {
        var later = new Roll(Ballot.Of(6, B), B, [B, C]);
        var stop = Assert.IsType<ChangeDecision.Stop>(Assert.Single(change.On(B, new Refusal(change.Ballot, later.Ballot, later), At(0.1))));
        Assert.Equal(later, stop.Present);
        Assert.Equal(later, seat.Present);
        Assert.True(change.IsOver);
    }

    [Fact]
    public void A_higher_ballot_of_somebody_else_ends_it_and_the_next_is_above()
    {
        Assert.IsType<ChangeDecision.Stop>(Assert.Single(change.On(B, new Refusal(change.Ballot, Ballot.Of(9, C), first), At(0.1))));
        Assert.Equal(Ballot.Of(10, A), seat.NextBallot);
        Assert.Equal(At(0.1) + Times.HoldGrace, seat.StandsAt());
    }

    [Fact]
    public void Too_few_devices_and_it_waits_for_a_newcomer()
    {
        var small = new GenerationChange(seat, [], Times, At(0), nodes => nodes.Length < 4 ? $"{nodes.Length} of 4 devices (min-devices) are there" : null);
        Assert.Null(seat.On(new Hold(small.Ballot, A, first.Ballot), At(0)));
        small.On(A, seat.Answer(7), At(0));
        small.On(B, new Promise(small.Ballot, first, [], 7), At(0));
        var wait = Assert.IsType<ChangeDecision.Wait>(Assert.Single(small.On(C, new Promise(small.Ballot, first, [], 7), At(0))));
        Assert.Equal("3 of 4 devices (min-devices) are there", wait.Reason);
        Assert.Single(small.Join(D));
        Assert.Equal(4, Assert.Single(small.On(D, new Promise(small.Ballot, first, [], 7), At(1)).OfType<ChangeDecision.Form>()).Formation.TakePart.Length);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Formation Formed(IEnumerable<ChangeDecision> decisions) => Assert.Single(decisions.OfType<ChangeDecision.Form>()).Formation;

    private static Formation Formed(IEnumerable<ChangeDecision> decisions, GenerationChange change, TimeSpan later) =>
        Formed([.. decisions, .. change.Tick(later)]);

    private IEnumerable<ChangeDecision> Promise(NodeKey from, long? next, bool leaves = false) =>
        change.On(from, new Promise(change.Ballot, from == D ? Roll.Founding(A) : first, from == A ? seat.Pending : [], next, leaves), At(0.1));

    private Formation FormAll()
    {
        Promise(A, 7);
        Promise(B, 7);
        Promise(C, 7);
        return Formed(Promise(D, 7));
    }

    private void Start(Formation formation, params NodeKey[] ranks)
    {
        var begin = formation.With(A, [.. ranks]);
        var start = Assert.IsType<ChangeDecision.Start>(Assert.Single(change.Start(begin, At(0.1))));
        Assert.Equal(formation.TakePart.Length, start.Nodes.Length);
        Assert.Null(seat.On(begin, At(0.1)));
    }
}
