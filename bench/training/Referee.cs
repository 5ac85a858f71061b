using System.Text;

namespace Singa.Actors.Bench.Training;

/// <summary>Ours against the peer at its best and as shipped, in alternating rounds of one run.</summary>
internal static class Referee
{
    private static readonly int[] ThreadCounts = [1, 2];

    public static int Run(RefereeOptions options)
    {
        Side ours = Side.Ours, best = new("peer at its best", options.PeerAtItsBest), shipped = new("peer as shipped", options.Peer);
        var all = new Dictionary<(Side, string Row, int Threads), List<Measurement>>();
        var order = new List<(string Row, int Threads)>();
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (string workload in options.Workloads)
            {
                foreach (int threads in ThreadCounts)
                {
                    foreach (var side in new[] { ours, best, shipped })
                    {
                        Console.Error.WriteLine($"round {round + 1} of {options.Rounds}: {workload}, {threads} thread(s), {side.Name}");
                        foreach (var m in side.Measure(workload, threads, options.Seconds))
                        {
                            if (!all.TryGetValue((side, m.Row, threads), out var list))
                                all[(side, m.Row, threads)] = list = [];
                            list.Add(m);
                            if (!order.Contains((m.Row, threads)))
                                order.Add((m.Row, threads));
                        }
                    }
                }
            }
        }

        var page = new StringBuilder($"# Training and kernels against TorchSharp on {Processor()}\n\n"
            + $"Medians of {options.Rounds} alternating rounds; samples/s for networks, GFLOP/s for products, GB/s else. Ratios: ours ÷ theirs.\n\n"
            + "| workload | threads | ours | ÷ at its best | ÷ as shipped | peak MB, ours ÷ shipped | first step ms, ours ÷ better | gen0 a 1,000 steps |\n|---|--:|--:|--:|--:|--:|--:|--:|\n");
        var training = new List<double>();
        foreach (var (row, threads) in order.OrderBy(o => order.FindIndex(p => p.Row == o.Row)).ThenBy(o => o.Threads))
        {
            double Of(Side side, Func<Measurement, double> what) => all.TryGetValue((side, row, threads), out var list) ? Report.Median(list.Select(what)) : double.NaN;
            double speed = Of(ours, m => m.Speed), ratio = speed / Of(best, m => m.Speed);
            bool network = Options.Networks.Contains(row);
            if (network)
                training.Add(ratio);
            double first = Of(ours, m => m.FirstStepMs), theirs = Math.Min(Of(best, m => m.FirstStepMs), Of(shipped, m => m.FirstStepMs));
            page.Append($"| {row} | {threads} | {speed:0.#} | {ratio:0.00} | {speed / Of(shipped, m => m.Speed):0.00} | "
                + (network ? $"{Of(ours, m => m.PeakMb):0} ({Of(ours, m => m.PeakMb) / Of(shipped, m => m.PeakMb):0.00}) | {first:0} ({first / theirs:0.00}) | {Of(ours, m => m.Gen0):0.#} |\n" : " | | |\n"));
        }

        Directory.CreateDirectory(options.Output);
        string file = Path.Combine(options.Output, $"cpu-{string.Concat(Processor().ToLowerInvariant().Select(c => char.IsLetterOrDigit(c) ? c : '-'))}.md");
        File.WriteAllText(file, page.ToString());
        Console.Write(page);
        Console.WriteLine($"written to {file}");
        Console.WriteLine($"geomean ratio {Math.Exp(training.Select(r => Math.Log(r)).DefaultIfEmpty(double.NaN).Average()):0.00}");
        return 0;
    }

    private static string Processor()
    {
        string[] lines = File.Exists("/proc/cpuinfo") ? File.ReadAllLines("/proc/cpuinfo") : [];
        string Find(string key) => lines.FirstOrDefault(l => l.StartsWith(key))?.Split(':')[1].Trim() ?? "";
        return lines.Length == 0 ? "unknown processor" : $"{Find("model name")} family {Find("cpu family")} model {Find("model\t")}".Trim();
    }
}
