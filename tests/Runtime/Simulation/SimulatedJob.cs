using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>One seed from beginning to end.</summary>
internal static class SimulatedJob
{
    private static readonly TimeSpan Peace = TimeSpan.FromSeconds(90);

    /// <exception cref="ViolationException">Something happened that must never, or did not happen that must.</exception>
    public static SimulatedNetwork Run(Scenario scenario, Action<string>? trace = null)
    {
        var network = new SimulatedNetwork(scenario) { Trace = trace };
        var random = new Random(scenario.Seed ^ 0x5EED);
        try
        {
            var nodes = Enumerable.Range(0, scenario.Nodes).Select(i => network.Start($"node-{i}", random.Next(6) == 0 ? random.Next(2, 4) : 1)).ToArray();
            var founding = Roll.Founding(nodes[0].Key);
            foreach (var node in nodes)
                node.Found(founding);
            nodes[0].StartChange(nodes.Skip(1).Select(n => n.Key));
            new FaultPlan(network, random).Schedule();
            network.Run(scenario.FaultTime + Peace, () => network.Observer.IsDone || !network.Alive.Any() && !network.IsFaulty);
            CheckEnd(network);
        }
        catch (Exception e) when (e is not ViolationException)
        {
            throw new ViolationException($"{e.GetType().Name} at {network.Now.TotalSeconds:0.000} s: {e}");
        }

        return network;
    }

    /// <summary>Whoever may go on has finished; whoever may not says whom he misses, and those can truly not answer.</summary>
    private static void CheckEnd(SimulatedNetwork network)
    {
        if (network.Observer.IsDone)
            return;
        var last = network.Watch.Last;
        bool isOver = last is null ? !network.Nodes.First().IsAlive : last.Ranks.All(n => !network[n].IsAlive);
        var missed = network.Alive.Select(n => n.Waiting).OfType<ChangeDecision.Wait>().SelectMany(w => w.Missed).ToArray();
        bool isRightlyWaiting = missed.Length > 0 && missed.All(n => network[n].IsHostLost);
        if (!isOver && !isRightlyWaiting)
        {
            throw new ViolationException(
                $"step {network.Observer.Next} of {network.Truth.Steps} is not taken though somebody may; last at {network.Observer.LastAt.TotalSeconds:0.0} s of {network.Now.TotalSeconds:0.0} s, "
                + $"last generation {last?.Generation} of {last?.Conductor}: {string.Join(", ", last?.Ranks ?? [])}\n" + string.Join("\n", network.Nodes.Select(n => n.Stand)));
        }
    }
}
