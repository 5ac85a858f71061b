using System.Globalization;

namespace Singa.Actors.Bench.Nodes;

internal static class Figures
{
    public static double Median(this IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    public static string Seconds(double seconds) => double.IsFinite(seconds) ? seconds.ToString("0.00", CultureInfo.InvariantCulture) : "–";

    public static string Percent(double share) => double.IsFinite(share) ? (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + " %" : "–";

    public static string Times(IReadOnlyCollection<double> seconds) => seconds.Count == 0 ? "– | –" : $"{Seconds(seconds.Median())} | {Seconds(seconds.Max())}";
}
