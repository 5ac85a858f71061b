namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>What goes wrong when: drawn from the seed beforehand, carried out on whoever is there then.</summary>
internal sealed class FaultPlan(SimulatedNetwork network, Random random)
{
    private int started;

    public void Schedule()
    {
        var scenario = network.Scenario;
        for (int i = 0; i < scenario.Faults; i++)
            network.At(scenario.FaultTime * random.NextDouble(), Strike);
        network.At(scenario.FaultTime, Cease);
    }

    private void Strike()
    {
        switch (random.Next(20))
        {
            case 0 or 1 or 2:
                Kill(Any());
                break;
            case 3:
                Kill(Conductor());
                break;
            case 4:
                Kill(network.Alive.MinBy(n => n.Key.Incarnation));
                break;
            case 5 or 6 or 7:
                Stop(Any());
                break;
            case 8:
                Stop(Conductor());
                break;
            case 9 or 10:
                Split();
                break;
            case 11:
                CutSome();
                break;
            case 12 or 13:
                Any()?.Leave();
                break;
            case 14:
                Conductor()?.Leave();
                break;
            case 15 or 16 or 17:
                Add($"late-{started++}");
                break;
            case 18 when random.Next(4) == 0:
                foreach (var node in network.Alive.OrderBy(_ => random.Next()).Skip(1).ToArray())
                    node.Crash(isHostLost: false);
                break;
            case 19 when network.Scenario.HasHostLoss:
                Any()?.Crash(isHostLost: true);
                break;
        }
    }

    private SimulatedNode? Any()
    {
        var alive = network.Alive.ToArray();
        return alive.Length == 0 ? null : alive[random.Next(alive.Length)];
    }

    private SimulatedNode? Conductor() => network.Watch.Last is { } last && network[last.Conductor].IsAlive ? network[last.Conductor] : null;

    private void Kill(SimulatedNode? node)
    {
        if (node is null)
            return;
        node.Crash(isHostLost: false);
        if (random.Next(2) == 0)
            network.At(TimeSpan.FromMilliseconds(random.Next(100, 3000)), () => Add(node.Key.Name));
    }

    private void Stop(SimulatedNode? node)
    {
        if (node is null || node.IsPaused)
            return;
        node.Pause();
        network.At(TimeSpan.FromMilliseconds(random.Next(50, 9000)), () =>
        {
            if (random.Next(4) == 0)
                node.Crash(isHostLost: false);
            else
                node.Resume();
        });
    }

    private void Split()
    {
        int parts = random.Next(5) == 0 ? 3 : 2;
        foreach (var node in network.Nodes)
            network.Split([node.Key.Name], random.Next(parts));
        network.At(TimeSpan.FromMilliseconds(random.Next(100, 12000)), network.Heal);
    }

    /// <summary>Some links fail, one way or both: not everybody sees the same.</summary>
    private void CutSome()
    {
        var names = network.Alive.Select(n => n.Key.Name).Distinct().ToArray();
        for (int i = 0; i < names.Length; i++)
            network.Cut(names[random.Next(names.Length)], names[random.Next(names.Length)]);
        network.At(TimeSpan.FromMilliseconds(random.Next(100, 6000)), network.Heal);
    }

    private void Add(string name)
    {
        if (network.Alive.All(n => n.Key.Name != name))
            network.Start(name, random.Next(6) == 0 ? 2 : 1);
    }

    /// <summary>From now on nothing more goes wrong.</summary>
    private void Cease()
    {
        network.IsFaulty = false;
        network.Heal();
        foreach (var node in network.Alive.Where(n => n.IsPaused).ToArray())
            node.Resume();
    }
}
