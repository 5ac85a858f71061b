using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>"Who may go on", sentence by sentence, with whole jobs on simulated processes.</summary>
public sealed class WhoMayGoOnTests
{
    private readonly SimulatedNetwork network;
    private readonly SimulatedNode[] nodes;

    public WhoMayGoOnTests() => (network, nodes) = Begin(4);

    [Fact]
    public void All_but_one_are_killed_and_the_last_finishes()
    {
        Seconds(1);
        foreach (var node in nodes.Where((_, i) => i != 2))
            node.Crash(isHostLost: false);
        Finish();
        Assert.Equal(2, network.Watch.Generations);
    }

    [Fact]
    public void One_after_the_other_is_killed_and_the_last_finishes()
    {
        foreach (int i in new[] { 0, 2, 1 })
        {
            Seconds(1);
            nodes[i].Crash(isHostLost: false);
        }

        Finish();
        Assert.Equal(4, network.Watch.Generations);
    }

    [Fact]
    public void Of_two_halves_the_one_with_the_lowest_rank_goes_on_and_the_other_rejoins()
    {
        Seconds(1);
        network.Split(["node-1", "node-2"], 1);
        long before = network.Observer.Next;
        Seconds(8);
        Assert.True(network.Observer.Next > before + 10);
        Assert.Equal([nodes[0].Key, nodes[3].Key], network.Watch.Last!.Ranks.Distinct());
        var waiting = Assert.Single(nodes, n => n.Waiting is not null);
        Assert.Equal([nodes[0].Key, nodes[3].Key], waiting.Waiting!.Missed.AsEnumerable());
        Assert.StartsWith("node-0 and node-3 say nothing and may still be alive: 2 of 4 ranks of generation 1 are no majority", waiting.Waiting.Reason);
        network.Heal();
        Seconds(5);
        Assert.Equal(4, network.Watch.Last!.Ranks.Distinct().Count());
        Finish();
    }

    [Fact]
    public void A_minority_waits_even_with_the_lowest_rank()
    {
        Seconds(1);
        network.Split(["node-0"], 1);
        Seconds(5);
        Assert.DoesNotContain(nodes[0].Key, network.Watch.Last!.Ranks);
        Assert.Equal([nodes[1].Key, nodes[2].Key, nodes[3].Key], nodes[0].Waiting!.Missed.AsEnumerable());
        network.Heal();
        Seconds(5);
        Assert.Contains(nodes[0].Key, network.Watch.Last!.Ranks);
        Finish();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rank_0_of_two_is_stopped_and_the_other_waits_until_it_continues_or_dies(bool continues)
    {
        var (two, both) = Begin(2);
        Run(two, 1);
        both[0].Pause();
        Run(two, 1);
        long before = two.Observer.Next;
        Run(two, 30);
        Assert.Equal(before, two.Observer.Next);
        Assert.Equal([both[0].Key], both[1].Waiting!.Missed.AsEnumerable());
        Assert.StartsWith("node-0 says nothing and may still be alive", both[1].Waiting!.Reason);
        if (continues)
            both[0].Resume();
        else
            both[0].Crash(isHostLost: false);
        Run(two, 2);
        Assert.True(two.Observer.Next > before);
        Assert.Equal(continues ? 2 : 1, two.Watch.Last!.Ranks.Distinct().Count());
        Finish(two);
    }

    [Fact]
    public void Rank_1_of_two_is_stopped_and_rank_0_goes_on()
    {
        var (two, both) = Begin(2);
        Run(two, 1);
        both[1].Pause();
        Run(two, 4);
        Assert.Equal([both[0].Key], two.Watch.Last!.Ranks.Distinct());
        both[1].Resume();
        Run(two, 3);
        Assert.Equal(2, two.Watch.Last!.Ranks.Distinct().Count());
        Finish(two);
    }

    [Fact]
    public void A_cut_of_a_second_costs_no_generation()
    {
        Seconds(1);
        network.Split(["node-0", "node-1"], 1);
        Seconds(1);
        network.Heal();
        Finish();
        Assert.Equal((1, 0), (network.Watch.Generations, network.Watch.Redone));
    }

    [Fact]
    public void Whoever_leaves_has_nothing_redone_not_even_the_conductor()
    {
        Seconds(1);
        nodes[2].Leave();
        Seconds(1);
        nodes[0].Leave();
        Seconds(1);
        Assert.False(nodes[0].IsAlive || nodes[2].IsAlive);
        Assert.Equal([nodes[1].Key, nodes[3].Key], network.Watch.Last!.Ranks.Distinct());
        Finish();
        Assert.Equal((3, 0), (network.Watch.Generations, network.Watch.Redone));
    }

    [Fact]
    public void The_last_one_does_not_leave_its_job()
    {
        foreach (var node in nodes)
            node.Leave();
        Finish();
    }

    [Fact]
    public void Newcomers_join_at_a_boundary()
    {
        Seconds(1);
        var first = network.Start("late-1", 2);
        var second = network.Start("late-2", 1);
        Seconds(2);
        Assert.Equal(7, network.Watch.Last!.Ranks.Length);
        Assert.Contains(first.Key, network.Watch.Last!.Ranks);
        Assert.Contains(second.Key, network.Watch.Last!.Ranks);
        Finish();
        Assert.Equal((2, 0), (network.Watch.Generations, network.Watch.Redone));
    }

    [Fact]
    public void A_killed_conductor_is_replaced_by_the_next_rank_within_a_second()
    {
        Seconds(1);
        nodes[0].Crash(isHostLost: false);
        long before = network.Observer.Next;
        var at = network.Now;
        network.Run(at + TimeSpan.FromSeconds(5), () => network.Observer.Next > before + 1);
        Assert.True(network.Now - at < TimeSpan.FromSeconds(1), $"it took {network.Now - at}");
        Assert.Equal(nodes[1].Key, network.Watch.Last!.Conductor);
        Finish();
    }

    [Fact]
    public void A_stopped_conductor_is_replaced_within_a_second_after_the_step_deadline()
    {
        Seconds(1);
        nodes[0].Pause();
        long before = network.Observer.Next;
        var at = network.Now;
        network.Run(at + TimeSpan.FromSeconds(9), () => network.Observer.Next > before + 1);
        Assert.True(network.Now - at < TimeSpan.FromSeconds(3.2), $"it took {network.Now - at}");
        nodes[0].Resume();
        Finish();
        Assert.Equal(4, network.Watch.Last!.Ranks.Length);
    }

    [Fact]
    public void A_node_of_three_hundred_is_replaced_like_any_other()
    {
        var (large, many) = Begin(300, steps: 60);
        Run(large, 1);
        foreach (int i in new[] { 0, 17, 299 })
            many[i].Crash(isHostLost: false);
        many[40].Pause();
        Run(large, 5);
        Assert.Equal(296, large.Watch.Last!.Ranks.Length);
        many[40].Resume();
        Finish(large);
    }

    private static (SimulatedNetwork, SimulatedNode[]) Begin(int nodes, long steps = 400)
    {
        var network = new SimulatedNetwork(Scenario.Quiet(nodes, 4 * nodes, steps)) { IsFaulty = false };
        return (network, SimulatedJob.Found(network, _ => 1));
    }

    private static void Run(SimulatedNetwork network, double seconds) => network.Run(network.Now + TimeSpan.FromSeconds(seconds), () => false);

    private static void Finish(SimulatedNetwork network)
    {
        network.Run(network.Now + TimeSpan.FromSeconds(60), () => network.Observer.IsDone);
        Assert.True(network.Observer.IsDone, string.Join("\n", network.Nodes.Select(n => n.Stand)));
        Assert.Equal(0, network.Watch.Forks);
    }

    private void Seconds(double seconds) => Run(network, seconds);

    private void Finish() => Finish(network);
}
