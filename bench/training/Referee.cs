using System.Diagnostics;

namespace Singa.Actors.Bench.Training;

/// <summary>Ours against the peer at its best and as shipped, in alternating rounds of one run.</summary>
internal static class Referee
{
    public static int Run(RefereeOptions options)
    {
        Side ours = Side.Ours, sharded = Side.Ours with { Name = $"ours, {Results.Shards} shards" }, best = new("peer at its best", options.PeerAtItsBest), shipped = new("peer as shipped", options.Peer);
        var results = new Results(ours, sharded, best, shipped);
        var handOvers = new List<double>();
        var elapsed = Stopwatch.StartNew();
        var took = new Dictionary<string, TimeSpan>();
        var once = new List<string>();
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (string workload in options.Workloads.Where(w => round < options.RoundsOf(w)))
            {
                if (took.TryGetValue(workload, out var before) && options.Spent + elapsed.Elapsed + before > options.Most)
                {
                    Console.Error.WriteLine($"round {round + 1} of {options.RoundsOf(workload)}: {workload}, left out: {options.Most.TotalMinutes} minutes would not be enough");
                    once.Add(workload);
                    continue;
                }

                var start = elapsed.Elapsed;
                string strict = workload + Options.Strict;
                bool isStrictToo = options.Workloads.Contains(strict);
                // The peer knows no strict form, so it is measured once for both.
                bool isStrictForm = options.Workloads.Any(w => w + Options.Strict == workload);
                handOvers.Add(HandOver.Measure());
                foreach (int threads in Results.ThreadCounts)
                {
                    foreach (var side in isStrictForm ? [ours] : Options.Networks.Contains(workload) ? new[] { ours, best, shipped, sharded } : [ours, best, shipped])
                    {
                        Console.Error.WriteLine($"round {round + 1} of {options.RoundsOf(workload)}: {workload}, {threads} thread(s), {side.Name}");
                        string[] more = side == sharded ? ["--shards", $"{Results.Shards}"] : [];
                        foreach (var measured in side.Measure(workload, threads, options.Seconds, options.MinSteps, more))
                        {
                            results.Add(side, measured);
                            if (isStrictToo && (side == best || side == shipped))
                                results.Add(side, measured with { Row = strict });
                        }
                    }
                }

                took[workload] = elapsed.Elapsed - start;
            }
        }

        string page = ResultsPage.Of(results, options.Rounds, options.Quick, once, Processor(), handOvers);
        Directory.CreateDirectory(options.Output);
        string file = Path.Combine(options.Output, $"cpu-{string.Concat(Processor().ToLowerInvariant().Select(c => char.IsLetterOrDigit(c) ? c : '-'))}.md");
        File.WriteAllText(file, page);
        Console.Write(page);
        Console.WriteLine($"written to {file}");
        Console.WriteLine($"geomean ratio {results.TrainingRatio:0.00}");
        return 0;
    }

    private static string Processor()
    {
        string[] lines = File.Exists("/proc/cpuinfo") ? File.ReadAllLines("/proc/cpuinfo") : [];
        string Find(string key) => lines.FirstOrDefault(l => l.StartsWith(key))?.Split(':')[1].Trim() ?? "";
        return lines.Length == 0 ? "unknown processor" : $"{Find("model name")} family {Find("cpu family")} model {Find("model\t")}".Trim();
    }
}
