using System.Diagnostics;
using System.Globalization;

namespace Singa.Actors.Bench.Nodes;

/// <summary>The program of bench/allreduce.</summary>
internal static class Sums
{
    public static void Run(Options options, Page page)
    {
        page.Title("Sums over processes by TCP, beside OpenMPI's");
        page.Line("```");
        foreach (var line in Start(options, "--rounds", $"{options.Of(1, 3)}"))
            page.Line(line);
        page.Line("```");
    }

    /// <summary>Seconds that two processes need to sum so many bytes.</summary>
    public static double Seconds(Options options, long bytes)
    {
        const string Ours = "ours ";
        var row = Start(options, "--rounds", "3", "--bytes", $"{bytes}").FirstOrDefault(l => l.StartsWith(Ours, StringComparison.Ordinal))
            ?? throw new BenchException("bench/allreduce printed no row of ours");
        return bytes / 1e9 / double.Parse(row[Ours.Length..].Trim(), CultureInfo.InvariantCulture);
    }

    private static string[] Start(Options options, params string[] arguments)
    {
        if (!File.Exists(options.Sums))
            throw new BenchException("bench/allreduce is not built; begin with bench/cluster");
        using var process = Process.Start(new ProcessStartInfo(options.Sums, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.TrimEnd().Split('\n') : throw new BenchException($"bench/allreduce ended with {process.ExitCode}");
    }
}
