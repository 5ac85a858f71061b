namespace Singa.Actors.Bench.Nodes;

/// <summary>Three nodes; one after the other is killed or stopped, and started again.</summary>
internal static class Recovery
{
    private const double Patience = 60;

    public static void Run(Options options, Page page)
    {
        page.Title("Recovery, seconds from the signal to the next committed step, a step's time taken off");
        using var cluster = LocalCluster.Start(options, "recovery", 3);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.Short);
        Settle(cluster, job);
        page.Line($"3 nodes of one thread, LeNet on 512 digits in 8 shards, {1000 * job.StepSeconds():0.0} ms a step. The node that is killed is started again at its address.");
        page.Line();
        page.Head("", "times", "median", "max", "remarks");
        List<double> back = [], stalls = [];
        foreach (var (what, signal, times) in new[]
                 {
                     ("SIGKILL, a worker", "KILL", options.Of(5, 20)), ("SIGKILL, the coordinator's node", "KILL", options.Of(5, 20)),
                     ("SIGKILL, the job's conductor", "KILL", options.Of(3, 20)), ("SIGSTOP, a worker", "STOP", options.Of(3, 20)),
                 })
        {
            List<double> seconds = [];
            string remarks = "";
            int named = 0, both = 0;
            try
            {
                for (int i = 0; i < times; i++)
                {
                    Settle(cluster, job);
                    double step = job.StepSeconds();
                    string coordinator = cluster.Coordinator, conductor = cluster.Conductor;
                    string victim = what.Contains("coordinator") ? coordinator : what.Contains("conductor") ? conductor
                        : cluster.Nodes.Select(n => n.Address).FirstOrDefault(a => a != coordinator && a != conductor) ?? throw new BenchException("every node has a role");
                    both += coordinator == conductor ? 1 : 0;
                    var node = cluster.Node(victim);
                    long generation = job.Commits[^1].Generation;
                    double at = Clock.Now;
                    node.Signal(signal);
                    var next = job.First(at, Patience, "the next step", c => c.Generation > generation && !c.Has(victim));
                    seconds.Add(Math.Max(0, next.At - at - step));
                    if (signal == "STOP")
                    {
                        named += cluster.Nodes.Where(n => n != node).SelectMany(n => n.Since(at)).Any(l => l.At <= next.At + 0.5 && l.Text.Contains(victim) && IsBlame(l.Text)) ? 1 : 0;
                        node.Signal("CONT");
                        job.First(next.At, Patience, $"{victim} to come back after SIGCONT", c => c.Has(victim));
                        continue;
                    }

                    cluster.Kill(node);
                    var again = cluster.Restart(node);
                    var first = job.First(again.StartedAt, Patience, $"the first shard of {victim}, started again", c => c.Has(victim));
                    back.Add(first.At - again.StartedAt);
                    stalls.Add(job.LongestGap(again.StartedAt, first.At));
                }
            }
            catch (BenchException fault)
            {
                remarks = $"ended early: {fault.Message}; ";
            }

            remarks += signal == "STOP" ? $"the culprit named {named} of {seconds.Count} times" : what.Contains("worker") ? "" : $"coordinator and conductor in one node {both} times";
            page.Row(what, $"{seconds.Count}", Figures.Seconds(seconds.Median()), Figures.Seconds(seconds.DefaultIfEmpty(double.NaN).Max()), remarks);
            page.Save();
        }

        page.Line();
        page.Line($"The step deadline is 2 s at least. Started again, a node had its first shard after {Figures.Seconds(back.Median())} s (max {Figures.Seconds(back.DefaultIfEmpty(double.NaN).Max())}) from the start of its process; the longest time without a commit meanwhile was {Figures.Seconds(stalls.Median())} s (max {Figures.Seconds(stalls.DefaultIfEmpty(double.NaN).Max())}).");
    }

    /// <summary>All work, and have done so for some steps of one generation.</summary>
    public static void Settle(LocalCluster cluster, WatchedJob job)
    {
        double since = Clock.Now;
        int nodes = cluster.Nodes.Count;
        long generation = -1;
        double quiet = since;
        job.First(since, Patience, $"{nodes} nodes to train in one generation for a second", c =>
        {
            if (c.Nodes < nodes || c.Generation != generation)
                (generation, quiet) = (c.Generation, c.At);
            return c.Nodes == nodes && c.At - quiet > 1;
        });
    }

    private static bool IsBlame(string line) => line.Contains("failed:") || line.Contains("regroups") || line.Contains("silent") || line.Contains("waits");
}
