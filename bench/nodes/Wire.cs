using System.Diagnostics;
using System.Globalization;

namespace Singa.Actors.Bench.Nodes;

/// <summary>
/// This program once more, in a network of its own whose loopback is as slow as a wire: there an exchange takes time without taking processors, as between
/// machines.
/// </summary>
internal static class Wire
{
    private const string Inside = "SINGA_BENCH_WIRE";
    private const double GigabitsPerSecond = 4;

    /// <summary>Null on the machine's own loopback.</summary>
    public static string? Here => Environment.GetEnvironmentVariable(Inside);

    /// <returns>The lines of a section that was run over the wire.</returns>
    /// <exception cref="BenchException">There can be no such network here.</exception>
    public static IEnumerable<string> Run(Options options, string section)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            throw new BenchException("a network of its own needs Linux and root");
        string name = $"singa-bench-{Environment.ProcessId}", output = Directory.CreateDirectory(Path.Combine(options.Logs, "wire")).FullName;
        try
        {
            string rate = string.Create(CultureInfo.InvariantCulture, $"{GigabitsPerSecond}gbit");
            Command("sh", "-c", $"ip netns add {name} && ip -n {name} link set lo up && ip netns exec {name} tc qdisc add dev lo root tbf rate {rate} burst 1mb latency 100ms");
            string[] quick = options.Quick ? ["--quick"] : [];
            Command("ip", [
                "netns", "exec", name, "env", $"{Inside}={GigabitsPerSecond.ToString(CultureInfo.InvariantCulture)}", Environment.ProcessPath!, "--singa", options.Singa, "--sums", options.Sums,
                "--output", output, "--logs", output, "--section", section, .. quick]);
            return File.ReadLines(Path.Combine(output, "cluster.md")).SkipWhile(l => !l.StartsWith("## ", StringComparison.Ordinal)).TakeWhile(l => !l.StartsWith("## Faults", StringComparison.Ordinal)).ToArray();
        }
        finally
        {
            using var gone = Process.Start(new ProcessStartInfo("ip", ["netns", "del", name]) { RedirectStandardError = true });
            gone?.WaitForExit();
        }
    }

    private static void Command(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new BenchException($"{program} cannot be started");
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new BenchException($"{program} ended with {process.ExitCode}: {errors.Result.Trim()}");
    }
}
