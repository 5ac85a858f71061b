using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Bench.Nodes;

/// <summary>Four workers, killed at random and started again at once: what is left of their work.</summary>
internal static class Goodput
{
    private const int Shards = 8, CountOfNodes = 4;

    public static void Run(Options options, Page page)
    {
        double wanted = options.Quick ? 1 : 10;
        page.Title($"Goodput under kills, four workers, steps meant to take {wanted:0} s");
        page.Line("Torchft's published stress committed 82.3 % of its steps at one kill per 60 s and 30.2 % at one per 15 s; its hardware and model are others.");
        page.Line();
        int batch = Calibrate(options, page, wanted);
        page.Line($"ResNet-18 on {batch} digits, read from files, in {Shards} shards; nodes of one thread on {Environment.ProcessorCount} cores. Any node may be hit, the coordinator's included.");
        page.Line();
        page.Head("", "seconds", "kills", "steps committed ÷ begun", "attempts at a step that were committed", "shard gradients committed ÷ computed", "found done by the next generation", "samples/s", "÷ without kills");
        double without = double.NaN;
        foreach (var (name, period, length) in new[]
                 {
                     ("no kills", double.PositiveInfinity, options.Of(25, 180)), ("one per 60 s", 60d, options.Seconds ?? options.Of(40, 1200)), ("one per 15 s", 15d, options.Seconds ?? options.Of(45, 1200)),
                 })
        {
            try
            {
                var stretch = Measure(options, page, batch, period, length, wanted);
                without = double.IsInfinity(period) ? stretch.SamplesPerSecond : without;
                page.Row(
                    name, $"{stretch.Seconds:0}", $"{stretch.Kills}", $"{stretch.Committed}/{stretch.Begun} = {Figures.Percent(stretch.Committed / (double)stretch.Begun)}",
                    Figures.Percent(stretch.Committed / (double)(stretch.Committed + stretch.Interrupted)), $"{stretch.Work.Committed}/{stretch.Work.Computed} = {Figures.Percent(stretch.Work.Committed / (double)stretch.Work.Computed)}",
                    $"{stretch.Work.Reused}",
                    FormattableString.Invariant($"{stretch.SamplesPerSecond:0.0}"), Figures.Percent(stretch.SamplesPerSecond / without));
                if (stretch.Fault is { } fault)
                    page.Fault($"goodput, {name}: {fault}; its row speaks of the time before");
            }
            catch (BenchException e)
            {
                page.Line($"| {name} | not measured: {e.Message} |");
                page.Fault($"goodput, {name}: {e.Message}");
            }

            page.Save();
        }

        page.Line();
        page.Line("A step is begun when a generation takes it up, and one that is interrupted is taken up again by the next: attempts count each time. Shard gradients of an interrupted step "
            + "that the others had computed are not computed again; those of the killed node count as computed, all of them.");
    }

    private static int Calibrate(Options options, Page page, double wanted)
    {
        const int Guess = 64;
        using var cluster = LocalCluster.Start(options, "calibration", CountOfNodes);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.ResNet(Guess), page);
        double begin = Clock.Now;
        // The first ones take longer: kernels are still being compiled.
        job.First(begin, 120, "thirty steps", c => c.Step >= 30);
        return Math.Max(Shards, (int)(Guess * wanted / job.StepSeconds(20) / Shards) * Shards);
    }

    private static Stretch Measure(Options options, Page page, int batch, double period, double length, double wanted)
    {
        var random = new Random(1);
        using var cluster = LocalCluster.Start(options, double.IsInfinity(period) ? "goodput" : $"goodput-{period:0}", CountOfNodes);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.ResNet(batch, data: DigitFiles.Write(options.Logs, Jobs.DigitsFor(batch))), page);
        var begin = job.First(0, 300, "four nodes to train", c => c.Step >= 2 && c.Nodes == CountOfNodes);
        List<double> kills = [];
        double kill = begin.At + (double.IsInfinity(period) ? period : Math.Min(period / 2, length / 2.0));
        string? fault = null;
        while (Clock.Now < begin.At + length && !job.HasEnded)
        {
            if (Clock.Now < kill)
            {
                Thread.Sleep(TimeSpan.FromSeconds(Math.Clamp(Math.Min(kill, begin.At + length) - Clock.Now, 0.001, 1)));
                continue;
            }

            var victim = cluster.Nodes.ElementAt(random.Next(cluster.Nodes.Count));
            kills.Add(Clock.Now);
            cluster.Kill(victim);
            cluster.Restart(victim);
            kill += period;
        }

        double end = Clock.Now;
        Commit last;
        try
        {
            long target = Math.Max(job.Commits[^1].Step + 1, cluster.Generations(begin.At).Select(g => g.Step).DefaultIfEmpty(0).Max());
            last = job.First(end, Math.Max(60, 12 * wanted), "the step after the last", c => c.Step >= target);
        }
        catch (BenchException e)
        {
            (last, fault) = (job.Commits[^1], e.Message);
        }

        Commit[] commits = [.. job.Commits.Where(c => c.At > begin.At && c.At <= last.At)];
        if (commits.Length == 0)
            throw new BenchException(fault ?? "no step was committed");
        fault ??= Incomplete(commits);
        var begun = commits.Select(c => c.Step).Concat(cluster.Generations(begin.At).Where(g => g.At <= last.At).Select(g => g.Step)).Where(s => s > begin.Step).Distinct().Count();
        int interrupted = kills.Count;
        double seconds = last.At - begin.At;
        return new Stretch(
            seconds, kills.Count, commits.Length, begun, interrupted, commits.Aggregate(default(ShardCount), (sum, c) => sum + c.Work), commits.Sum(c => c.Samples) / seconds, fault);
    }

    /// <summary>Every shard of every step is to be in the ledger once.</summary>
    private static string? Incomplete(Commit[] commits)
    {
        for (int i = 0; i < commits.Length; i++)
        {
            if (i > 0 && commits[i].Step != commits[i - 1].Step + 1)
                return $"step {commits[i].Step} follows step {commits[i - 1].Step} in the ledger";
            if (!commits[i].Shards.Select(s => s.Shard).Order().SequenceEqual(Enumerable.Range(0, Shards)))
                return $"step {commits[i].Step} has shards {string.Join(' ', commits[i].Shards.Select(s => s.Shard))} in the ledger";
        }

        return null;
    }

    private sealed record Stretch(
        double Seconds, int Kills, int Committed, int Begun, int Interrupted, ShardCount Work, double SamplesPerSecond, string? Fault);
}
