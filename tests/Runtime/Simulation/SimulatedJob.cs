using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>One seed from beginning to end.</summary>
internal static class SimulatedJob
{
    private static readonly TimeSpan Peace = TimeSpan.FromSeconds(90);

    /// <exception cref="ViolationException">Something happened that must never, or did not happen that must.</exception>
    public static (SimulatedNetwork Network, JobEnd End) Run(Scenario scenario, Action<string>? trace = null)
    {
        var network = new SimulatedNetwork(scenario) { Trace = trace };
        var random = new Random(scenario.Seed ^ 0x5EED);
        try
        {
            Found(network, _ => random.Next(6) == 0 ? random.Next(2, 4) : 1);
            new FaultPlan(network, random).Schedule();
            network.Run(scenario.FaultTime, () => network.Observer.IsDone);
            // Whoever waits does so for good, sooner or later; a minute and a half of peace is later than any patience.
            for (int slice = 0; slice < 9 && !IsSettled(network); slice++)
            {
                network.Run(scenario.FaultTime + (slice + 1) * Peace / 9, () => network.Observer.IsDone);
                if (network.Watch.Running > 1 && !network.Observer.IsDone)
                    throw new ViolationException($"{network.Watch.Running} generations run side by side, {(slice + 1) * Peace / 9} after everybody can hear everybody");
            }

            return (network, EndOf(network));
        }
        catch (Exception e) when (e is not ViolationException)
        {
            throw new ViolationException($"{e.GetType().Name} at {network.Now.TotalSeconds:0.000} s: {e}");
        }
    }

    /// <summary>A job begins on nodes with so many devices each.</summary>
    public static SimulatedNode[] Found(SimulatedNetwork network, Func<int, int> devices)
    {
        var nodes = Enumerable.Range(0, network.Scenario.Nodes).Select(i => network.Start($"node-{i}", devices(i))).ToArray();
        var founding = Roll.Founding(nodes[0].Key);
        foreach (var node in nodes)
            node.Found(founding);
        nodes[0].StartChange(nodes.Skip(1).Select(n => n.Key));
        return nodes;
    }

    private static bool IsSettled(SimulatedNetwork network) => network.Observer.IsDone || IsAbandoned(network);

    /// <summary>
    /// Of those who could decide nobody lives, or who lives has not heard that his generation began and has nobody to ask: what remains of the job is a
    /// checkpoint.
    /// </summary>
    private static bool IsAbandoned(SimulatedNetwork network)
    {
        var voters = (network.Watch.Last?.Ranks ?? [network.Nodes.First().Key]).Select(n => network[n]).Where(n => n.IsAlive).ToArray();
        return voters.Length == 0 || (voters.Any(n => n.HasGivenUp) && voters.All(n => n.Seat!.Present.Ranks.All(r => !network[r].IsAlive)));
    }

    /// <summary>Whoever may go on has finished; whoever may not says whom he misses, and those can truly not answer.</summary>
    private static JobEnd EndOf(SimulatedNetwork network)
    {
        if (network.Observer.IsDone)
            return JobEnd.Done;
        if (IsAbandoned(network))
            return JobEnd.Abandoned;
        var missed = network.Alive.Select(n => n.Waiting).OfType<ChangeDecision.Wait>().SelectMany(w => w.Missed).ToArray();
        if (missed.Length > 0 && missed.All(n => network[n].IsHostLost))
            return JobEnd.Waits;
        var last = network.Watch.Last;
        throw new ViolationException(
            $"step {network.Observer.Next} of {network.Truth.Steps} is not taken though somebody may; last at {network.Observer.LastAt.TotalSeconds:0.0} s of {network.Now.TotalSeconds:0.0} s, "
            + $"last generation {last?.Generation} of {last?.Conductor}: {string.Join(", ", last?.Ranks ?? [])}\n" + string.Join("\n", network.Nodes.Select(n => n.Stand)));
    }
}

internal enum JobEnd
{
    Done,

    /// <summary>Everybody who could decide is dead.</summary>
    Abandoned,

    /// <summary>For a node that is dead and cannot be proved so.</summary>
    Waits,
}
