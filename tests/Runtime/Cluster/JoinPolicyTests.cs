using System.Collections.Immutable;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Joining;

namespace Singa.Actors.Runtime.Tests.Cluster;

/// <summary>There is never a second cluster while anybody whom a node knows is in the first.</summary>
public sealed class JoinPolicyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), Long = TimeSpan.FromSeconds(30);
    private static readonly NodeAddress Self = At(1), Other = At(2), Third = At(3);

    [Fact]
    public void Alone_it_begins_a_cluster_at_once() => Assert.IsType<JoinDecision.Form>(Decide(true, TimeSpan.Zero, []));

    [Fact]
    public void Who_is_not_the_first_seed_waits_whatever_happens()
    {
        Assert.IsType<JoinDecision.Wait>(Decide(false, Patience, [new(Other, Patience)]));
        Assert.IsType<JoinDecision.Wait>(Decide(false, Patience, [new(Other, Patience)], (Other, new CandidateAnswer.Absent())));
    }

    [Fact]
    public void The_silent_are_given_time_and_the_absent_are_not()
    {
        Assert.IsType<JoinDecision.Wait>(Decide(true, TimeSpan.Zero, [new(Other, Patience)]));
        Assert.IsType<JoinDecision.Form>(Decide(true, Patience, [new(Other, Patience)]));
        Assert.IsType<JoinDecision.Form>(Decide(true, TimeSpan.Zero, [new(Other, Patience)], (Other, new CandidateAnswer.Absent())));
    }

    [Fact]
    public void Whoever_is_silent_may_be_given_more_time_than_others()
    {
        Assert.IsType<JoinDecision.Wait>(Decide(true, Patience, [new(Other, Patience), new(Third, Long, "a")]));
        Assert.IsType<JoinDecision.Form>(Decide(true, Long, [new(Other, Patience), new(Third, Long, "a")]));
        Assert.IsType<JoinDecision.Form>(Decide(true, Patience, [new(Other, Patience), new(Third, Long, "a")], (Third, new CandidateAnswer.Absent())));
    }

    [Fact]
    public void Of_two_that_look_and_may_begin_one_the_lesser_address_does()
    {
        Assert.IsType<JoinDecision.Form>(Decide(true, TimeSpan.Zero, [new(Other, Patience)], (Other, new CandidateAnswer.Outside(MayForm: true))));
        Assert.IsType<JoinDecision.Wait>(JoinPolicy.Decide(
            Other, true, Patience, [new(Self, Patience)], new Dictionary<NodeAddress, CandidateAnswer> { [Self] = new CandidateAnswer.Outside(MayForm: true) }));
    }

    [Fact]
    public void A_cluster_is_joined_through_any_of_its_members()
    {
        var join = Assert.IsType<JoinDecision.Join>(Decide(
            true, Patience, [new(Other, Patience), new(Third, Patience)], (Other, new CandidateAnswer.Absent()), (Third, new CandidateAnswer.InCluster("a", [Third, At(4)]))));
        Assert.Equal("a", join.Cluster);
        Assert.Equal(new[] { Third, At(4) }, join.Through.AsEnumerable());
    }

    [Fact]
    public void A_remembered_address_counts_only_in_the_cluster_that_it_was_remembered_in()
    {
        var elsewhere = (Other, (CandidateAnswer)new CandidateAnswer.InCluster("b", [Other]));
        Assert.IsType<JoinDecision.Form>(Decide(true, Patience, [new(Other, Patience, "a")], elsewhere));
        Assert.IsType<JoinDecision.Join>(Decide(true, Patience, [new(Other, Patience, "b")], elsewhere));
    }

    [Fact]
    public void A_remembered_cluster_is_known_by_its_name_when_it_was_begun_again()
    {
        string first = ClusterName.New(), second = ClusterName.Again(first), third = ClusterName.Again(second);
        Assert.Equal(3, new[] { first, second, third }.Distinct().Count());
        foreach (string name in new[] { first, second, third })
            Assert.IsType<JoinDecision.Join>(Decide(true, Patience, [new(Other, Patience, second)], (Other, new CandidateAnswer.InCluster(name, [Other]))));
        Assert.False(ClusterName.AreAkin(first, ClusterName.New()));
    }

    [Fact]
    public void Those_who_were_in_a_cluster_begin_it_again_when_all_they_know_look_for_one_too()
    {
        ImmutableArray<JoinCandidate> known = [new(Other, Patience), new(Third, Long, "a")];
        var looks = new CandidateAnswer.Outside(MayForm: false);
        Assert.True(MayReturn(known, (Other, looks), (Third, looks)));
        Assert.True(MayReturn(known, (Other, looks), (Third, new CandidateAnswer.Absent())));
        // Nobody to be in it with; one that may be in it still; one that is in another.
        Assert.False(MayReturn(known, (Other, new CandidateAnswer.Absent()), (Third, new CandidateAnswer.Absent())));
        Assert.False(MayReturn(known, (Other, looks)));
        Assert.False(MayReturn(known, (Other, looks), (Third, new CandidateAnswer.InCluster("b", [Third]))));
        Assert.False(MayReturn([]));
    }

    [Fact]
    public void Of_two_clusters_that_meet_the_larger_stays_and_of_equal_ones_that_with_the_least_address()
    {
        var (small, large) = (new CandidateAnswer.InCluster("a", [Self]), new CandidateAnswer.InCluster("b", [Other, Third]));
        Assert.True(JoinPolicy.GivesWay(small, large));
        Assert.False(JoinPolicy.GivesWay(large, small));
        Assert.False(JoinPolicy.GivesWay(small, new CandidateAnswer.InCluster("c", [Other])));
        Assert.True(JoinPolicy.GivesWay(new CandidateAnswer.InCluster("c", [Other]), small));
        Assert.False(JoinPolicy.GivesWay(small, small with { Members = [Self, Other, Third] }));
    }

    private static NodeAddress At(int port) => new("10.0.0.1", port);

    private static bool MayReturn(ImmutableArray<JoinCandidate> candidates, params (NodeAddress, CandidateAnswer)[] answers) =>
        JoinPolicy.MayReturn(candidates, answers.ToDictionary(a => a.Item1, a => a.Item2));

    private static JoinDecision Decide(bool mayForm, TimeSpan waited, ImmutableArray<JoinCandidate> candidates, params (NodeAddress, CandidateAnswer)[] answers) =>
        JoinPolicy.Decide(Self, mayForm, waited, candidates, answers.ToDictionary(a => a.Item1, a => a.Item2));
}
