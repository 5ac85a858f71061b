namespace Singa.Actors.Bench.Nodes;

/// <summary>A node that nobody knows comes while a job runs, and leaves in order.</summary>
internal static class AdmissionOfNewcomers
{
    public static void Run(Options options, Page page)
    {
        page.Title("Admission of a newcomer, seconds");
        using var cluster = LocalCluster.Start(options, "admission", 2);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.Short, page);
        List<double> shards = [], stalls = [], medians = [], leaves = [];
        string fault = "";
        try
        {
            for (int i = 0; i < options.Of(3, 10); i++)
            {
                Recovery.Settle(cluster, job);
                medians.Add(job.StepSeconds());
                var node = cluster.Add(0);
                var first = job.First(node.StartedAt, 60, "a newcomer's first shard", c => c.Has(node.Address));
                shards.Add(first.At - node.StartedAt);
                stalls.Add(job.LongestGap(node.StartedAt, first.At));
                Recovery.Settle(cluster, job);
                double asked = Clock.Now;
                node.Signal("TERM");
                cluster.Forget(node);
                var without = job.First(asked, 60, "the job to go on after a node left", c => !c.Has(node.Address));
                leaves.Add(job.LongestGap(asked, without.At));
                if (!node.WaitForExit(TimeSpan.FromSeconds(30)))
                    throw new BenchException("a node that was told to leave was still there after 30 s");
            }
        }
        catch (BenchException e)
        {
            fault = e.Message;
        }

        page.Line($"2 nodes of one thread and a third that comes {shards.Count} times, LeNet on 512 digits; {1000 * medians.Median():0.0} ms a step.");
        page.Line();
        page.Head("", "median", "max");
        page.Line($"| from the start of its process to its first shard | {Figures.Times(shards)} |");
        page.Line($"| longest time between two commits meanwhile | {Figures.Times(stalls)} |");
        page.Line($"| longest time between two commits when it leaves | {Figures.Times(leaves)} |");
        if (fault.Length > 0)
        {
            page.Line($"\nEnded early: {fault}.");
            page.Fault($"admission: {fault}");
        }
    }
}
