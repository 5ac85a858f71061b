using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Singa.Actors.Bench.Nodes;

/// <summary>A <c>singa node</c> in a process of its own, and what it logs.</summary>
internal sealed partial class NodeChild : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Process process;
    private readonly List<(double At, string Text)> lines = [];
    private readonly StreamWriter file;
    private readonly TaskCompletionSource<string> up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeChild(string singa, string data, string folder, int port, IEnumerable<string> seeds, int threads, string? flood)
    {
        Directory.CreateDirectory(folder);
        string config = Path.Combine(folder, "node.conf");
        File.WriteAllText(config, $"singa.cluster.state-dir = \"{folder.Replace("\\", "\\\\")}\"");
        file = new StreamWriter(Path.Combine(folder, "node.log"), append: true) { AutoFlush = true };
        var start = new ProcessStartInfo(
            singa,
            ["node", "--config", config, "--port", $"{port}", "--devices", "cpu:0", "--threads", $"{threads}", "--data-root", data, .. seeds.SelectMany(s => new[] { "--seed-node", s })])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("SINGA_CLUSTER_SECRET");
        if (flood is not null)
        {
            start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
            start.Environment[StartupHook.Variable] = flood;
        }

        StartedAt = Clock.Now;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is { } line && UpLine().Match(line) is { Success: true } match)
                up.TrySetResult(match.Groups[1].Value);
        };
        process.ErrorDataReceived += (_, e) => Take(e.Data);
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Address { get; private set; } = "";

    public double StartedAt { get; }

    public bool HasExited => process.HasExited;

    /// <summary>Returns when it is up.</summary>
    public static NodeChild Start(string singa, string data, string folder, int port, IEnumerable<string> seeds, int threads, string? flood = null)
    {
        var node = new NodeChild(singa, data, folder, port, seeds, threads, flood);
        for (double since = Clock.Now; !node.up.Task.Wait(100);)
        {
            if (!node.HasExited && Clock.Now - since < Patience.TotalSeconds)
                continue;
            node.Kill();
            throw new BenchException($"a node did not come up; it said: {node.Last}");
        }

        node.Address = node.up.Task.Result;
        return node;
    }

    public string Last
    {
        get
        {
            lock (lines)
                return lines.Count == 0 ? "nothing" : lines[^1].Text;
        }
    }

    public IReadOnlyList<(double At, string Text)> Since(double time)
    {
        lock (lines)
            return [.. lines.Where(l => l.At >= time)];
    }

    /// <summary>KILL, STOP, CONT or TERM.</summary>
    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public void Kill()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
    }

    public bool WaitForExit(TimeSpan time) => process.WaitForExit(time);

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        Kill();
        process.Dispose();
        file.Dispose();
    }

    /// <summary>A bench that is told to end leaves no nodes behind.</summary>
    private void KillAtExit(object? sender, EventArgs e)
    {
        if (!process.HasExited)
            process.Kill();
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        lock (lines)
        {
            lines.Add((Clock.Now, line));
            file.WriteLine(line);
        }
    }

    [GeneratedRegex(@"^node (\S+:\d+) is up, data port \d+$")]
    private static partial Regex UpLine();
}
