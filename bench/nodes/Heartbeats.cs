namespace Singa.Actors.Bench.Nodes;

/// <summary>Two nodes that train flat out while the thread pools of their processes are flooded: does one believe that the other is gone?</summary>
internal static class Heartbeats
{
    private static readonly string[] Bad = ["unreachable", "silent", " is gone", "regroups", "failed:", "waits:"];

    public static void Run(Options options, Page page)
    {
        page.Title("Heartbeats under load");
        double length = options.Of(60, 300);
        string flood = Path.Combine(options.Logs, "flood");
        File.Delete(flood);
        using var cluster = LocalCluster.Start(options, "heartbeats", 2, flood: flood);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.ResNet(16), page);
        var begin = job.First(0, 120, "two nodes to train", c => c.Nodes == 2);
        File.WriteAllText(flood, "");
        HashSet<string> states = [];
        while (Clock.Now < begin.At + length)
        {
            Thread.Sleep(TimeSpan.FromSeconds(5));
            foreach (var member in cluster.Status().Members)
                states.Add(member.State);
        }

        (string Node, string Text)[] bad = [.. cluster.Nodes.SelectMany(n => n.Since(begin.At).Where(l => Bad.Any(l.Text.Contains)).Select(l => (n.Address, l.Text)))];
        var commits = job.Commits.Where(c => c.At > begin.At).ToArray();
        page.Line($"Two nodes of one thread on {Environment.ProcessorCount} cores for {length:0} s, ResNet-18, their thread pools flooded from within ({StartupHook.Text}): {commits.Length} steps, {commits.Select(c => c.Generation).Distinct().Count()} generation(s), longest time without a commit {job.LongestGap(begin.At, Clock.Now):0.00} s, states seen by `singa status`: {string.Join(", ", states)}.");
        if (bad.Length > 0)
            page.Fault($"heartbeats: {bad[0].Node} says {bad[0].Text}");
        page.Line();
        page.Line(bad.Length == 0 ? "Neither ever said that the other was silent, unreachable or gone." : $"{bad.Length} lines of doubt, the first of {bad[0].Node}: {bad[0].Text}");
    }
}
