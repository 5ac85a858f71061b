using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Singa.Actors.Bench.Training;

/// <summary>One JSON object a line on standard output, and the statistics in it.</summary>
internal static class Report
{
    public static void Write(JsonObject line) => Console.WriteLine(line.ToJsonString());

    public static double Quantile(IEnumerable<double> values, double q)
    {
        var sorted = values.Order().ToArray();
        double at = q * (sorted.Length - 1);
        int low = (int)at, high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }

    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);

    public static double PeakRssMb()
    {
        using var process = Process.GetCurrentProcess();
        return Math.Round(process.PeakWorkingSet64 / 1048576.0, 1);
    }

    public static double SinceProcessStartMs()
    {
        using var process = Process.GetCurrentProcess();
        return (DateTime.Now - process.StartTime).TotalMilliseconds;
    }

    /// <summary>Median over samples of at least 200 µs each, after a warm-up, in milliseconds.</summary>
    public static double MedianMs(Action call, double seconds)
    {
        for (long start = Stopwatch.GetTimestamp(), n = 0; n < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < 0.2; n++)
            call();
        long probe = Stopwatch.GetTimestamp();
        call();
        int inner = (int)Math.Clamp(0.2 / Math.Max(Stopwatch.GetElapsedTime(probe).TotalMilliseconds, 1e-4), 1, 10_000);
        var samples = new List<double>(1 << 14);
        for (long start = Stopwatch.GetTimestamp(); samples.Count < 9 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
        {
            long begin = Stopwatch.GetTimestamp();
            for (int i = 0; i < inner; i++)
                call();
            samples.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds / inner);
        }

        return Median(samples);
    }
}
