namespace Singa.Actors.Bench.Nodes;

/// <summary>Three nodes; one after the other is killed or stopped, and started again.</summary>
internal static class Recovery
{
    private const double Patience = 60;
    private const int FaultsMax = 3;

    private enum Victim
    {
        Worker,
        Coordinator,
        Conductor,
    }

    public static void Run(Options options, Page page)
    {
        page.Title("Recovery, seconds from the signal to the next committed step, a step's time taken off");
        page.Line("3 nodes of one thread, LeNet on 512 digits in 8 shards. The node that is killed is started again at its address.");
        page.Line();
        page.Head("", "times", "median", "max", "step, ms", "remarks");
        var figures = new Measured();
        Measure(options, page, figures, "SIGKILL, a worker", Victim.Worker, "KILL", options.Of(5, 20));
        Measure(options, page, figures, "SIGKILL, the coordinator's node", Victim.Coordinator, "KILL", options.Of(5, 20));
        Measure(options, page, figures, "SIGKILL, the node that conducts the job", Victim.Conductor, "KILL", options.Of(3, 20));
        Measure(options, page, figures, "SIGSTOP, a worker", Victim.Worker, "STOP", options.Of(3, 20));
        page.Line();
        page.Line("The step deadline is 2 s at least. Of nodes that were started again, seconds:");
        page.Line();
        page.Head("", "median", "max");
        page.Line($"| from the start of the process to its first shard | {Figures.Times(figures.Back)} |");
        page.Line($"| longest time between two commits meanwhile | {Figures.Times(figures.Stalls)} |");
    }

    /// <summary>All work, and have done so for a second in one generation.</summary>
    public static void Settle(LocalCluster cluster, WatchedJob job)
    {
        double since = Clock.Now, quiet = since;
        int nodes = cluster.Nodes.Count;
        long generation = -1;
        job.First(since, Patience, $"{nodes} nodes to train in one generation for a second", c =>
        {
            if (c.Nodes < nodes || c.Generation != generation)
                (generation, quiet) = (c.Generation, c.At);
            return c.Nodes == nodes && c.At - quiet > 1;
        });
    }

    private static void Measure(Options options, Page page, Measured figures, string what, Victim whom, string signal, int times)
    {
        List<double> seconds = [], steps = [];
        int named = 0, both = 0, faults = 0;
        while (seconds.Count < times && faults < FaultsMax)
        {
            try
            {
                using var cluster = LocalCluster.Start(options, $"recovery-{whom}-{signal}-{faults}", 3);
                using var job = WatchedJob.Submit(cluster.Client, Jobs.Short, page);
                while (seconds.Count < times)
                {
                    Settle(cluster, job);
                    steps.Add(job.StepSeconds());
                    string coordinator = cluster.Coordinator, conductor = cluster.Conductor;
                    both += coordinator == conductor ? 1 : 0;
                    var node = cluster.Node(whom switch
                    {
                        Victim.Coordinator => coordinator,
                        Victim.Conductor => conductor,
                        _ => cluster.Nodes.Select(n => n.Address).First(a => a != coordinator && a != conductor),
                    });
                    long generation = job.Commits[^1].Generation;
                    double at = Clock.Now;
                    node.Signal(signal);
                    var next = job.First(at, Patience, $"the next step after SIG{signal}", c => c.Generation > generation && !c.Has(node.Address));
                    seconds.Add(Math.Max(0, next.At - at - steps[^1]));
                    if (signal == "KILL")
                    {
                        figures.Add(job, Again(cluster, job, node));
                        continue;
                    }

                    named += cluster.Nodes.Where(n => n != node).SelectMany(n => n.Since(at)).Any(l => l.At <= next.At + 0.5 && IsBlame(l.Text, node)) ? 1 : 0;
                    node.Signal("CONT");
                    job.First(next.At, Patience, $"{node.Address} to come back after SIGCONT", c => c.Has(node.Address));
                }
            }
            catch (BenchException fault)
            {
                faults++;
                page.Fault($"{what}, after {seconds.Count} times: {fault.Message}");
            }
        }

        string remarks = signal == "STOP" ? $"the culprit named {named} of {seconds.Count} times" : whom == Victim.Worker ? "" : $"one node was both {both} times";
        page.Row(
            what, $"{seconds.Count} of {times}", Figures.Seconds(seconds.Median()), Figures.Seconds(seconds.DefaultIfEmpty(double.NaN).Max()),
            FormattableString.Invariant($"{1000 * steps.Median():0.0}"), faults == 0 ? remarks : $"{remarks} {faults} fault(s)");
        page.Save();
    }

    private static (double StartedAt, Commit First) Again(LocalCluster cluster, WatchedJob job, NodeChild node)
    {
        cluster.Kill(node);
        var again = cluster.Restart(node);
        return (again.StartedAt, job.First(again.StartedAt, Patience, $"the first shard of {node.Address}, started again", c => c.Has(node.Address)));
    }

    private static bool IsBlame(string line, NodeChild node) =>
        line.Contains(node.Address) && new[] { "failed:", "regroups", "silent", "waits" }.Any(line.Contains);

    /// <summary>What is seen of nodes that come back.</summary>
    private sealed class Measured
    {
        public List<double> Back { get; } = [];

        public List<double> Stalls { get; } = [];

        public void Add(WatchedJob job, (double StartedAt, Commit First) again)
        {
            Back.Add(again.First.At - again.StartedAt);
            Stalls.Add(job.LongestGap(again.StartedAt, again.First.At));
        }
    }
}
