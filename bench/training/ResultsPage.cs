using System.Text;

namespace Singa.Actors.Bench.Training;

/// <summary>The results for people.</summary>
internal static class ResultsPage
{
    /// <param name="once">Networks for whose further rounds there was no time.</param>
    public static string Of(Results results, int rounds, bool isQuick, IReadOnlyList<string> once, string processor, IReadOnlyCollection<double> handOvers)
    {
        var page = new StringBuilder($"# Training and kernels against TorchSharp on {processor}\n\n"
            + $"Medians of {rounds} alternating rounds{(isQuick ? "; single operations once" : "")}{(once.Count > 0 ? $"; for more than one of {string.Join(", ", once)} there was no time" : "")}. Ratios are ours ÷ theirs: at its best (AVX-512 in MKL, pages that are kept) and as shipped. Share: the least time that it can take with nothing overlapped ÷ the time it took; "
            + "the least is products at the measured multiply-add peak (convolutions as defined, so Winograd may pass 100 %), other arithmetic an instruction an op, divisions and roots at their measured "
            + "throughput, and, added to it, bytes that must move at the best that a loop over as many reaches (copying, copying past the caches, changing in place); more than 100 % is overlap. "
            + $"A word from one core to the other and back: {Report.Median(handOvers):0} ns, from {handOvers.Min():0} to {handOvers.Max():0} before each workload; small networks on two threads depend on it.\n");
        Networks(page, results);
        Beside(page, results);
        Operations(page, results);
        return page.ToString();
    }

    private static void Networks(StringBuilder page, Results results)
    {
        if (!results.Networks.Any())
            return;
        page.Append("\n## Networks\n\nSamples a second; peak resident memory against the peer as shipped; from process start to the end of the first step against the better of both.\n\n"
            + "| | threads | samples/s | ÷ at its best | ÷ as shipped | share | peak MB (ratio) | first step, ms (ratio) | gen0 a 1,000 steps |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var (row, threads) in Each(results.Networks))
        {
            page.Append($"| {row} | {threads} | {results.Speed(row, threads):0.#} | {results.Ratio(row, threads):0.00} | {results.RatioToShipped(row, threads):0.00} | {results.Share(row, threads):0 %}"
                + $" | {results.Ours(row, threads, m => m.PeakMb):0} ({results.MemoryRatio(row, threads):0.00}) | {results.Ours(row, threads, m => m.FirstStepMs):0} ({OrNone(results.FirstStepRatio(row, threads))})"
                + $" | {results.Ours(row, threads, m => m.Gen0):0.#} |\n");
        }
    }

    private static void Beside(StringBuilder page, Results results)
    {
        if (!results.Training.Any())
            return;
        page.Append($"\n## Shards and threads\n\n{Results.Shards} shards on one device against 1, and two threads against one, the peer's (at its best) beside it.\n\n"
            + $"| | {Results.Shards} shards ÷ 1, 1 thread | 2 threads | ours, 2 threads ÷ 1 | peer's |\n|---|--:|--:|--:|--:|\n");
        foreach (string row in results.Training)
            page.Append($"| {row} | {results.ShardedRatio(row, 1):0.00} | {results.ShardedRatio(row, 2):0.00} | {results.Scaling(row):0.00} | {results.PeersScaling(row):0.00} |\n");
    }

    private static void Operations(StringBuilder page, Results results)
    {
        if (!results.Operations.Any())
            return;
        page.Append("\n## Single operations\n\nGFLOP/s for products, GB/s else.\n\n| | threads | ours | ÷ at its best | ÷ as shipped | share | its bytes alone |\n|---|--:|--:|--:|--:|--:|--:|\n");
        foreach (var (row, threads) in Each(results.Operations))
            page.Append($"| {row} | {threads} | {results.Speed(row, threads):0.#} | {results.Ratio(row, threads):0.00} | {results.RatioToShipped(row, threads):0.00} | {results.Share(row, threads):0 %} | {results.Stream(row, threads):0 %} |\n");
        page.Append("\n| | threads | median ratio at its best | worst | median share |\n|---|--:|--:|--:|--:|\n");
        foreach (var group in results.Operations.GroupBy(r => r.Split(' ')[0]))
        {
            foreach (int threads in Results.ThreadCounts)
            {
                double[] ratios = [.. group.Select(r => results.Ratio(r, threads))];
                page.Append($"| {group.Key} | {threads} | {Report.Median(ratios):0.00} | {ratios.Min():0.00} | {Report.Median(group.Select(r => results.Share(r, threads))):0 %} |\n");
            }
        }
    }

    // The peer does not say how long its first inference takes.
    private static string OrNone(double ratio) => double.IsFinite(ratio) ? $"{ratio:0.00}" : "–";

    private static IEnumerable<(string Row, int Threads)> Each(IEnumerable<string> rows) => rows.SelectMany(r => Results.ThreadCounts.Select(t => (r, t)));
}
