using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Singa.Actors.Bench.Training;

/// <summary>One of those compared: a program that prints a line of JSON a measurement.</summary>
internal sealed record Side(string Name, string Command)
{
    public static Side Ours => new("ours", Environment.ProcessPath!);

    /// <summary>What one process of it measured.</summary>
    public List<Measurement> Measure(string workload, int threads, double seconds, int minSteps, params string[] more)
    {
        var start = new ProcessStartInfo(Command) { RedirectStandardOutput = true };
        string asked = this == Ours || !workload.EndsWith(Options.Strict, StringComparison.Ordinal) ? workload : workload[..^Options.Strict.Length];
        foreach (string word in (string[])["--workload", asked, "--threads", $"{threads}", "--seconds", FormattableString.Invariant($"{seconds}"), "--min-steps", $"{minSteps}", .. more])
            start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var lines = new List<Measurement>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith('{'))
                lines.Add(Measurement.Of(workload, threads, JsonNode.Parse(line)!.AsObject()));
        }

        process.WaitForExit();
        return process.ExitCode == 0 ? lines : throw new ArgumentException($"{Name} ended with exit code {process.ExitCode} on {workload}");
    }
}

/// <summary>One line of one side. <c>Speed</c>: more is better, in the unit of the workload. <c>Share</c>: the least time it could take ÷ what it took; null: not known. <c>Stream</c>: the same of its bytes alone.</summary>
internal sealed record Measurement(string Row, int Threads, double Speed, double FirstStepMs, double PeakMb, double Gen0, double? Share, double? Stream)
{
    public static Measurement Of(string workload, int threads, JsonObject line)
    {
        string row = line["name"] is { } name ? $"{workload} {name}" : line["n"] is { } n ? $"{line["workload"]} {n}" : workload;
        double speed = Number(line, "samples_per_s") ?? Number(line, "gflops") ?? Number(line, "gb_per_s") ?? throw new ArgumentException($"no speed in {line}");
        return new Measurement(row, threads, speed, Number(line, "first_step_ms") ?? 0, Number(line, "peak_rss_mb") ?? 0, Number(line, "gen0_per_1000_steps") ?? 0, Number(line, "floor_ms") / Number(line, "median_ms"), Number(line, "stream_ms") / Number(line, "median_ms"));
    }

    private static double? Number(JsonObject line, string key) => line[key] is { } value ? (double)value : null;
}
