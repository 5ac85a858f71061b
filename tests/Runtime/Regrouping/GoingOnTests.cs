using System.Collections.Immutable;
using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Regrouping;

/// <summary>"Who may go on", sentence by sentence, and that it can never be two.</summary>
public sealed class GoingOnTests
{
    private static readonly ImmutableArray<NodeKey> Four = [Node(0), Node(1), Node(2), Node(3)];

    [Fact]
    public void A_majority_goes_on_and_a_minority_does_not()
    {
        Assert.True(Decide(Four, [0, 1, 3], []).MayGoOn);
        Assert.False(Decide(Four, [2], []).MayGoOn);
        Assert.Equal<NodeKey>([Node(0), Node(1), Node(3)], Decide(Four, [2], []).Missed);
    }

    [Fact]
    public void Of_equal_halves_the_one_with_the_lowest_rank_goes_on()
    {
        Assert.True(Decide(Four, [0, 3], []).MayGoOn);
        Assert.False(Decide(Four, [1, 2], []).MayGoOn);
    }

    [Fact]
    public void The_dead_are_not_counted_and_do_not_have_the_lowest_rank()
    {
        Assert.True(Decide(Four, [2], [0, 1, 3]).MayGoOn);
        Assert.True(Decide(Four, [1, 2], [0]).MayGoOn);
        Assert.True(Decide(Four, [1], [0, 2]).MayGoOn);
        Assert.False(Decide(Four, [3], [0, 2]).MayGoOn);
        Assert.Equal<NodeKey>([Node(1)], Decide(Four, [3], [0, 2]).Missed);
    }

    [Fact]
    public void The_silent_stay_in_the_count()
    {
        ImmutableArray<NodeKey> two = [Node(0), Node(1)];
        Assert.False(Decide(two, [1], []).MayGoOn);
        Assert.True(Decide(two, [0], []).MayGoOn);
        Assert.True(Decide(two, [1], [0]).MayGoOn);
    }

    [Fact]
    public void A_node_votes_with_all_its_ranks()
    {
        ImmutableArray<NodeKey> ranks = [Node(0), Node(1), Node(1), Node(1), Node(2)];
        Assert.True(Decide(ranks, [1], []).MayGoOn);
        Assert.False(Decide(ranks, [0, 2], []).MayGoOn);
        Assert.Equal<NodeKey>([Node(1)], Decide(ranks, [0, 2], []).Missed);
    }

    [Fact]
    public void A_restarted_node_is_another_and_has_no_vote()
    {
        var again = new NodeKey("node-1", 77);
        var verdict = GoingOn.Decide([Node(0), Node(1)], new HashSet<NodeKey> { again }, new HashSet<NodeKey> { Node(0) });
        Assert.False(verdict.MayGoOn);
        Assert.Equal<NodeKey>([Node(1)], verdict.Missed);
    }

    [Fact]
    public void Where_nobody_is_left_nobody_goes_on() => Assert.False(Decide(Four, [], [0, 1, 2, 3]).MayGoOn);

    /// <summary>
    /// Every way in which nodes can be on one side, on the other, silent, or dead with either side, both or neither knowing: never do both sides go on.
    /// Where nobody is silent and all deaths are known, exactly one does.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(1, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 1, 1, 1, 1, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 2, 3, 1)]
    [InlineData(4, 1, 1, 1, 1)]
    public void Two_sides_never_both_go_on(params int[] ranksOfNodes)
    {
        ImmutableArray<NodeKey> ranks = [.. ranksOfNodes.SelectMany((count, node) => Enumerable.Repeat(Node(node), count))];
        int nodes = ranksOfNodes.Length;
        for (int code = 0; code < Math.Pow(7, nodes); code++)
        {
            HashSet<NodeKey> left = [], right = [], deadOnLeft = [], deadOnRight = [];
            bool isAllKnown = true;
            for (int node = 0, rest = code; node < nodes; node++, rest /= 7)
            {
                int state = rest % 7;
                if (state == 0)
                    left.Add(Node(node));
                if (state == 1)
                    right.Add(Node(node));
                if (state is 3 or 4)
                    deadOnLeft.Add(Node(node));
                if (state is 3 or 5)
                    deadOnRight.Add(Node(node));
                isAllKnown &= state is 0 or 1 or 3;
            }

            bool leftGoesOn = GoingOn.Decide(ranks, left, deadOnLeft).MayGoOn, rightGoesOn = GoingOn.Decide(ranks, right, deadOnRight).MayGoOn;
            Assert.False(leftGoesOn && rightGoesOn, $"both sides go on: case {code} of ranks {string.Join(", ", ranksOfNodes)}");
            if (isAllKnown && left.Count + right.Count > 0)
                Assert.True(leftGoesOn || rightGoesOn, $"no side goes on: case {code} of ranks {string.Join(", ", ranksOfNodes)}");
        }
    }

    private static NodeKey Node(int i) => new($"node-{i}", i + 1);

    private static GoingOnVerdict Decide(ImmutableArray<NodeKey> ranks, int[] agreeing, int[] dead) =>
        GoingOn.Decide(ranks, agreeing.Select(Node).ToHashSet(), dead.Select(Node).ToHashSet());
}
