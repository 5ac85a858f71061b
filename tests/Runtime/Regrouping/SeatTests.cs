using System.Collections.Immutable;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Regrouping;

public sealed class SeatTests
{
    private static readonly NodeKey A = new("a", 1), B = new("b", 2), C = new("c", 3);
    private static readonly Roll Founding = Roll.Founding(A);
    private readonly Seat seat = new(B, Founding, RegroupingTimes.Default);

    [Fact]
    public void Only_higher_ballots_are_promised()
    {
        Assert.Null(seat.On(Hold(3, A), At(0)));
        Assert.Equal(Ballot.Of(3, A), seat.On(Hold(2, C), At(0))!.Promised);
        Assert.Null(seat.On(Hold(3, A), At(0)));
        Assert.Null(seat.On(Hold(3, C), At(0)));
        Assert.NotNull(seat.On(Hold(3, A), At(0)));
        Assert.Equal(Ballot.Of(4, B), seat.NextBallot);
    }

    [Fact]
    public void A_generation_is_accepted_ready_and_begun()
    {
        Assert.False(seat.MayStep);
        var roll = Live(1);
        Assert.True(seat.MayStep);
        Assert.Equal((roll, roll), (seat.Present, seat.Latest));
        Assert.Empty(seat.Pending);
    }

    [Fact]
    public void A_promise_ends_the_present_generation_and_its_late_beginning_changes_nothing()
    {
        var roll = RollOf(1, A, A, B, C);
        Assert.Null(seat.On(new Begin(roll, Founding, []), At(0)));
        Assert.Null(seat.On(Hold(2, C, roll.Ballot), At(1)));
        Assert.False(seat.Begun(roll.Ballot, At(1)));
        Assert.True(seat.IsFenced);
        Assert.Equal(roll, seat.Present);
    }

    [Fact]
    public void Whoever_promises_after_the_others_have_begun_hears_that_it_is_left_behind()
    {
        var first = Live(1);
        var behind = new Seat(C, Founding, RegroupingTimes.Default);
        Assert.Null(behind.On(new Begin(first, Founding, []), At(0)));
        Assert.True(behind.Begun(first.Ballot, At(0)));
        var second = RollOf(2, A, A, B);
        Assert.Null(seat.On(new Begin(second, first, []), At(1)));
        Assert.True(seat.Begun(second.Ballot, At(1)));

        // It stood still; the question reaches it when it wakes.
        Assert.Null(behind.On(Hold(2, A, first.Ballot), At(9)));
        var refusal = seat.Late(C, behind.Answer(5));
        Assert.NotNull(refusal);
        Assert.True(behind.Passed(refusal.Present));
        Assert.Null(seat.Late(A, new Promise(second.Ballot, first, [], 5)));
    }

    [Fact]
    public void A_seat_is_bereft_when_nobody_is_left_of_what_has_begun_whoever_accepted_what_may_have()
    {
        Assert.Null(seat.On(new Begin(RollOf(1, A, A, C), Founding, []), At(0)));
        seat.Begun(Ballot.Of(1, A), At(0));
        Assert.Null(seat.On(new Begin(RollOf(2, A, A, B, C), seat.Present, []), At(1)));
        seat.ProvedDead(A, At(2));
        Assert.False(seat.IsBereft);
        seat.ProvedDead(C, At(2));
        Assert.True(seat.IsBereft);
    }

    [Fact]
    public void A_generation_below_the_promise_is_not_begun_with()
    {
        Assert.Null(seat.On(Hold(2, C), At(0)));
        Assert.NotNull(seat.On(new Begin(RollOf(1, A, A, B, C), Founding, []), At(0)));
    }

    [Fact]
    public void A_number_names_one_generation_here()
    {
        var roll = RollOf(2, A, A, B, C);
        Assert.Null(seat.On(new Begin(roll, Founding, []), At(0)));
        Assert.NotNull(seat.On(Hold(2, C, roll.Ballot), At(5)));
        Assert.Null(seat.On(Hold(2, A), At(5)));
        Assert.NotNull(seat.On(new Begin(RollOf(2, C, B, C), Founding, []), At(5)));
    }

    [Fact]
    public void Whoever_asks_in_the_name_of_an_older_generation_hears_of_the_present_one()
    {
        var roll = Live(5);
        var refusal = seat.On(Hold(9, C, Ballot.Of(4, A)), At(1));
        Assert.Equal(roll, refusal!.Present);
        Assert.False(seat.IsFenced);
    }

    [Fact]
    public void The_answer_names_generations_that_may_have_begun()
    {
        var first = Live(1);
        var second = RollOf(2, A, A, B, C);
        Assert.Null(seat.On(Hold(2, A, first.Ballot), At(1)));
        Assert.Null(seat.On(new Begin(second, first, []), At(1)));
        Assert.Null(seat.On(Hold(3, C, second.Ballot), At(2)));
        var answer = seat.Answer(next: 17);
        Assert.Equal((first, 17L), (answer.Present, answer.Next));
        Assert.Equal([second], answer.Pending.AsEnumerable());
    }

    [Fact]
    public void A_node_that_was_left_behind_loses_its_part_and_keeps_to_the_later_generation()
    {
        Live(1);
        var later = RollOf(4, A, A, C);
        Assert.True(seat.Passed(later));
        Assert.False(seat.Passed(later));
        Assert.False(seat.MayStep);
        Assert.Null(seat.StandsAt());
        Assert.Equal(later, seat.On(Hold(7, C, Ballot.Of(1, A)), At(9))!.Present);
    }

    [Fact]
    public void After_trouble_the_conductor_asks_first_then_rank_after_rank()
    {
        Live(1);
        seat.Heard(A, At(9.9));
        seat.Trouble(At(10));
        var times = RegroupingTimes.Default;
        Assert.Equal(At(9.9) + times.HoldGrace, seat.StandsAt());
        var last = new Seat(C, Founding, times);
        Live(1, last);
        last.Heard(A, At(9.9));
        last.Trouble(At(10));
        Assert.Equal(At(9.9) + times.HoldGrace + times.Stagger, last.StandsAt());
        // One that has said nothing for long will not ask now.
        var unheard = new Seat(B, Founding, times);
        Live(1, unheard);
        unheard.Trouble(At(10));
        Assert.Equal(At(10), unheard.StandsAt());
        var conductor = new Seat(A, Founding, times);
        Live(1, conductor);
        Assert.Null(conductor.StandsAt());
        conductor.Trouble(At(10));
        Assert.Equal(At(10), conductor.StandsAt());
    }

    [Fact]
    public void When_the_conductor_is_proved_dead_nobody_waits_for_it()
    {
        Live(1);
        seat.ProvedDead(A, At(10));
        Assert.Equal(At(10), seat.StandsAt());
    }

    [Fact]
    public void Deaths_that_were_known_before_a_generation_began_are_trouble_in_it()
    {
        seat.ProvedDead(C, At(0));
        Live(1);
        Assert.True(seat.IsTroubled);
    }

    [Fact]
    public void A_conductor_that_says_nothing_is_replaced_in_the_end()
    {
        Live(1);
        seat.Heard(A, At(3));
        Assert.Equal(At(3) + RegroupingTimes.Default.ConductorPatience, seat.StandsAt());
        Assert.False(seat.IsOutOfTouch(At(4)));
        Assert.True(seat.IsOutOfTouch(At(5)));
    }

    [Fact]
    public void A_generation_that_is_being_formed_is_not_disturbed_by_whoever_has_not_heard_of_it()
    {
        var first = Live(1);
        var second = RollOf(2, A, A, B, C);
        Assert.Null(seat.On(new Begin(second, first, []), At(1)));
        Assert.NotNull(seat.On(Hold(3, C, first.Ballot), At(1.1)));
        Assert.Null(seat.On(Hold(3, C, first.Ballot), At(2.1)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Hold Hold(long number, NodeKey candidate, Ballot? known = null) => new(Ballot.Of(number, candidate), candidate, known ?? Ballot.None);

    private static Roll RollOf(long number, NodeKey conductor, params ImmutableArray<NodeKey> ranks) => new(Ballot.Of(number, conductor), conductor, ranks);

    private Roll Live(long number, Seat? other = null)
    {
        var roll = RollOf(number, A, A, B, C);
        Assert.Null((other ?? seat).On(new Begin(roll, Founding, []), At(0)));
        Assert.True((other ?? seat).Begun(roll.Ballot, At(0)));
        return roll;
    }
}
