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
                if (random.Next(2) == 0)
                    Duel();
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
                Leave(Any());
                break;
            case 14:
                Leave(Conductor());
                break;
            case 15 or 16 or 17:
                Add($"late-{started++}");
                break;
            case 18 when random.Next(4) == 0:
                KillAllButOne();
                break;
            case 19 when network.Scenario.HasHostLoss && Any() is { } node && !IsLast(node):
                node.Crash(isHostLost: true);
                break;
        }
    }

    private SimulatedNode? Any()
    {
        var alive = network.Alive.ToArray();
        return alive.Length == 0 ? null : alive[random.Next(alive.Length)];
    }

    private SimulatedNode? Conductor() => network.Watch.Last is { } last && network[last.Conductor].IsAlive ? network[last.Conductor] : null;

    /// <summary>Whether nobody would be left who may decide; then there is nothing to see, so that it is done rarely.</summary>
    private bool IsLast(SimulatedNode node)
    {
        var voters = (network.Watch.Last?.Ranks ?? [network.Nodes.First().Key]).Distinct().Where(n => network[n].IsAlive).ToArray();
        return voters is [] || (voters is [var only] && only == node.Key && random.Next(20) > 0);
    }

    private void KillAllButOne()
    {
        if (network.Watch.Last is not { } last)
            return;
        var voters = last.Ranks.Where(n => network[n].IsAlive).ToArray();
        if (voters.Length == 0)
            return;
        var survivor = voters[random.Next(voters.Length)];
        foreach (var node in network.Alive.Where(n => n.Key != survivor).ToArray())
            node.Crash(isHostLost: false);
    }

    private void Leave(SimulatedNode? node)
    {
        if (node is not null && !IsLast(node))
            node.Leave();
    }

    private void Kill(SimulatedNode? node)
    {
        if (node is null || IsLast(node))
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
            if (random.Next(4) == 0 && !IsLast(node))
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

    /// <summary>Two of those who may take over do not hear each other, and all others hear both.</summary>
    private void Duel()
    {
        var voters = (network.Watch.Last?.Ranks ?? []).Distinct().Where(n => network[n].IsAlive).OrderBy(_ => random.Next()).Take(2).ToArray();
        if (voters is not [var one, var other])
            return;
        network.Cut(one.Name, other.Name);
        network.Cut(other.Name, one.Name);
        network.At(TimeSpan.FromMilliseconds(random.Next(500, 6000)), network.Heal);
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
