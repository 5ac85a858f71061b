namespace Singa.Actors.Bench.Training;

/// <summary>What all sides measured in all rounds; a figure is the median of the rounds.</summary>
internal sealed class Results(Side ours, Side sharded, Side best, Side shipped)
{
    /// <summary>On one device; exactness is to cost nothing.</summary>
    public const int Shards = 8;

    public static readonly int[] ThreadCounts = [1, 2];

    private readonly Dictionary<(Side Side, string Row, int Threads), List<Measurement>> all = [];
    private readonly List<string> rows = [];

    public IEnumerable<string> Networks => rows.Where(r => r.StartsWith("infer", StringComparison.Ordinal) || Options.Networks.Contains(r.Replace(Options.Strict, "")));

    public IEnumerable<string> Operations => rows.Except(Networks);

    public IEnumerable<string> Training => rows.Intersect(Options.Networks);

    /// <summary>Geometric mean over training rows at all numbers of threads, against the peer at its best.</summary>
    public double TrainingRatio => Math.Exp(Training.SelectMany(r => ThreadCounts.Select(t => Math.Log(Ratio(r, t)))).DefaultIfEmpty(double.NaN).Average());

    public void Add(Side side, Measurement measured)
    {
        if (!rows.Contains(measured.Row))
            rows.Add(measured.Row);
        var key = (side, measured.Row, measured.Threads);
        if (!all.TryGetValue(key, out var list))
            all[key] = list = [];
        list.Add(measured);
    }

    public double Ours(string row, int threads, Func<Measurement, double> what) => Median(ours, row, threads, what);

    public double Speed(string row, int threads) => Ours(row, threads, m => m.Speed);

    /// <summary>Of the floor.</summary>
    public double Share(string row, int threads) => Ours(row, threads, m => m.Share ?? double.NaN);

    /// <summary>Of the bandwidth of memory at its size.</summary>
    public double Stream(string row, int threads) => Ours(row, threads, m => m.Stream ?? double.NaN);

    /// <summary>Ours ÷ the peer's at its best.</summary>
    public double Ratio(string row, int threads) => Speed(row, threads) / Median(best, row, threads, m => m.Speed);

    public double RatioToShipped(string row, int threads) => Speed(row, threads) / Median(shipped, row, threads, m => m.Speed);

    public double MemoryRatio(string row, int threads) => Ours(row, threads, m => m.PeakMb) / Median(shipped, row, threads, m => m.PeakMb);

    /// <summary>Ours ÷ the better of the peer's two.</summary>
    public double FirstStepRatio(string row, int threads) =>
        Ours(row, threads, m => m.FirstStepMs) / Math.Min(Median(best, row, threads, m => m.FirstStepMs), Median(shipped, row, threads, m => m.FirstStepMs));

    public double ShardedRatio(string row, int threads) => Median(sharded, row, threads, m => m.Speed) / Speed(row, threads);

    public double Scaling(string row) => Speed(row, 2) / Speed(row, 1);

    public double PeersScaling(string row) => Median(best, row, 2, m => m.Speed) / Median(best, row, 1, m => m.Speed);

    private double Median(Side side, string row, int threads, Func<Measurement, double> what) =>
        all.TryGetValue((side, row, threads), out var list) ? Report.Median(list.Select(what)) : double.NaN;
}
