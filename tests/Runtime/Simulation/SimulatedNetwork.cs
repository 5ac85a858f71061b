using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>
/// Time, links and processes of a simulation. Events happen in order of their time; whatever looks like chance comes from the seed. Control
/// messages get lost, doubled, late; bytes of rounds arrive in order or break with their connection, as over TCP.
/// </summary>
internal sealed class SimulatedNetwork
{
    private static readonly TimeSpan Retransmission = TimeSpan.FromMilliseconds(200);
    private readonly PriorityQueue<Action, (TimeSpan, long)> events = new();
    private readonly Dictionary<NodeKey, SimulatedNode> nodes = [];
    private readonly Dictionary<string, int> sides = [];
    private readonly HashSet<(string, string)> cuts = [];
    private readonly Dictionary<(NodeKey, NodeKey), TimeSpan> lastBytes = [];
    private long count;

    public SimulatedNetwork(Scenario scenario)
    {
        Scenario = scenario;
        Random = new Random(scenario.Seed ^ 0x51A6A);
        Truth = new Truth(scenario.Shards, scenario.Steps);
        Watch = new Watch(this);
        Observer = new SimulatedObserver(this);
    }

    public Scenario Scenario { get; }

    public Random Random { get; }

    public Truth Truth { get; }

    public Watch Watch { get; }

    public SimulatedObserver Observer { get; }

    public TimeSpan Now { get; private set; }

    public bool IsFaulty { get; set; } = true;

    public long Events { get; private set; }

    public IEnumerable<SimulatedNode> Nodes => nodes.Values;

    public IEnumerable<SimulatedNode> Alive => nodes.Values.Where(n => n.IsAlive);

    public SimulatedNode this[NodeKey key] => nodes[key];

    public SimulatedNode Start(string name, int devices)
    {
        var node = new SimulatedNode(this, new NodeKey(name, nodes.Count + 1), devices);
        nodes.Add(node.Key, node);
        node.Start();
        return node;
    }

    public void At(TimeSpan delay, Action action) => events.Enqueue(action, (Now + delay, count++));

    /// <summary>Runs until nothing more is to happen, or <paramref name="end"/>, or <paramref name="until"/>.</summary>
    public void Run(TimeSpan end, Func<bool> until)
    {
        while (!until() && events.TryPeek(out _, out var next) && next.Item1 <= end)
        {
            var action = events.Dequeue();
            Now = next.Item1;
            Events++;
            action();
        }

        Now = end < Now || until() ? Now : end;
    }

    /// <summary>What happened, for whoever replays a seed.</summary>
    public Action<string>? Trace { get; init; }

    public void Send(NodeKey from, NodeKey to, Message message)
    {
        bool isBytes = message is Message.Rows or Message.Total;
        if (from == to)
        {
            At(TimeSpan.Zero, () => Deliver(from, to, message));
            return;
        }

        if (isBytes)
        {
            if (!Happens(IsFaulty ? Scenario.DataLoss : 0))
                SendBytes(from, to, message);
            return;
        }

        if (Happens(IsFaulty ? Scenario.Drop : 0))
            return;
        Post();
        if (Happens(IsFaulty ? Scenario.Duplicate : 0))
            Post();

        void Post() => At(Delay(), () => Arrive(from, to, message, isBytes: false));
    }

    /// <summary>Whether a connection from one to the other is refused by the other's kernel, now or soon: that proves a death.</summary>
    public void Probe(NodeKey from, NodeKey to) => At(Delay(), () =>
    {
        if (nodes.TryGetValue(to, out var node) && !node.IsAlive && !node.IsHostLost && !IsCut(from, to))
            nodes[from].Deliver(n => n.ProvedDead(to));
    });

    /// <summary>The kernel closes the connections of a process that ends; one whose host is lost closes nothing.</summary>
    public void Ended(NodeKey key)
    {
        if (nodes[key].IsHostLost)
            return;
        foreach (var other in Alive.Where(n => !IsCut(n.Key, key)))
            At(Short(), () => other.Deliver(n => n.ProvedDead(key)));
    }

    public void Split(IEnumerable<string> side, int number)
    {
        foreach (string name in side)
            sides[name] = number;
    }

    public void Cut(string from, string to) => cuts.Add((from, to));

    public void Heal()
    {
        sides.Clear();
        cuts.Clear();
    }

    public bool IsCut(NodeKey a, NodeKey b) =>
        sides.GetValueOrDefault(a.Name) != sides.GetValueOrDefault(b.Name) || cuts.Contains((a.Name, b.Name));

    /// <summary>The node that coordinates, as <paramref name="from"/> sees it: the oldest within reach.</summary>
    public NodeKey? Coordinator(NodeKey from) => Alive.Where(n => !n.IsPaused && !IsCut(from, n.Key)).MinBy(n => n.Key.Incarnation)?.Key;

    public TimeSpan Short() => TimeSpan.FromMicroseconds(Random.Next(100, 5000));

    private TimeSpan Delay() => Happens(IsFaulty ? Scenario.Late : 0) ? Random.NextDouble() * Scenario.Lateness : Short();

    private bool Happens(double probability) => probability > 0 && Random.NextDouble() < probability;

    private void SendBytes(NodeKey from, NodeKey to, Message message)
    {
        var at = Now + Short();
        if (lastBytes.TryGetValue((from, to), out var last) && at <= last)
            at = last + TimeSpan.FromMicroseconds(1);
        lastBytes[(from, to)] = at;
        At(at - Now, () => Arrive(from, to, message, isBytes: true));
    }

    private void Arrive(NodeKey from, NodeKey to, Message message, bool isBytes)
    {
        if (to != SimulatedObserver.Key && from != SimulatedObserver.Key && IsCut(from, to))
        {
            // Somebody's kernel tries again, unless the process is gone meanwhile.
            if (nodes[from].IsAlive && (isBytes || Happens(0.5)))
                At(Retransmission, () => Arrive(from, to, message, isBytes));
            return;
        }

        Deliver(from, to, message);
    }

    private void Deliver(NodeKey from, NodeKey to, Message message)
    {
        if (Trace is not null && message is not (Message.Rows or Message.Total or Message.BeatAnswer or Message.Beat or Message.Commit or Message.TakenDown))
            Trace($"{Now.TotalSeconds:0.0000} {from}#{from.Incarnation} to {to}#{to.Incarnation}{(nodes.TryGetValue(to, out var at) ? at.IsAlive ? at.IsPaused ? " (paused)" : "" : " (dead)" : "")}: {message}");
        if (to == SimulatedObserver.Key)
            Observer.On(from, message);
        else if (nodes.TryGetValue(to, out var node))
            node.Deliver(n => n.On(from, message));
    }
}
