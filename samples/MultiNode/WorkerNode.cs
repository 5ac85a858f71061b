using System.Diagnostics;
using System.Globalization;
using Singa.Actors.Runtime.Cluster;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>
/// A <c>singa node</c>: a process of its own on ports of its own. It leaves when its standard input ends, so that it does not outlive this
/// process, however that ends.
/// </summary>
internal sealed class WorkerNode : IDisposable
{
    private const int LinesKept = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process process;
    private readonly Queue<string> log = [];

    private WorkerNode(string name, Process process) => (Name, this.process) = (name, process);

    public string Name { get; }

    public int Id => process.Id;

    /// <summary>Where it is reached; null until it is up.</summary>
    public NodeAddress? Address { get; private set; }

    public bool HasExited => process.HasExited;

    /// <param name="folder">Its own: where it remembers members, and all it would read data from.</param>
    /// <param name="seeds">Nodes to ask for the cluster; without any it begins one.</param>
    public static WorkerNode Start(string name, string folder, IEnumerable<NodeAddress> seeds)
    {
        Directory.CreateDirectory(folder);
        string config = Path.Combine(folder, "node.conf");
        File.WriteAllText(config, $"singa.cluster.state-dir = \"{folder.Replace("\\", "\\\\")}\"");
        // Beside this program, since the project refers to the command's.
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "singa.exe" : "singa"))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (string word in (string[])["node", "--until-eof", "--config", config, "--data-root", folder, "--devices", "cpu:0", "--threads", "1"])
            start.ArgumentList.Add(word);
        foreach (var seed in seeds)
        {
            start.ArgumentList.Add("--seed-node");
            start.ArgumentList.Add(seed.ToString());
        }

        var node = new WorkerNode(name, Process.Start(start)!);
        node.process.ErrorDataReceived += (_, line) => node.Keep(line.Data);
        node.process.BeginErrorReadLine();
        return node;
    }

    /// <summary>Returns when it is in the cluster.</summary>
    /// <exception cref="InvalidOperationException">It ended before, or takes too long; what it said last.</exception>
    public async Task UntilUpAsync(CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        // "node HOST:PORT is up, data port N"
        string? line;
        try
        {
            line = await process.StandardOutput.ReadLineAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            line = null;
        }

        if (line?.Split(' ') is not ["node", var at, ..] || !NodeAddress.TryParse(at, out var address))
            throw new InvalidOperationException($"{Name} did not come up: {line ?? Said()}");
        Address = address;
    }

    /// <summary>SIGKILL: it has no time to tell anybody.</summary>
    public void Kill()
    {
        if (!process.HasExited)
            process.Kill();
    }

    /// <summary>Lets it leave in order.</summary>
    public void Close() => process.StandardInput.Close();

    public Task ExitAsync(CancellationToken cancellation) => process.WaitForExitAsync(cancellation);

    public string Said()
    {
        lock (log)
            return log.Count == 0 ? "it said nothing" : string.Join(Environment.NewLine, log);
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({(Address is { } at ? at.ToString() : "starting")}, process {Id})");

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (log)
        {
            log.Enqueue(line);
            if (log.Count > LinesKept)
                log.Dequeue();
        }
    }
}
