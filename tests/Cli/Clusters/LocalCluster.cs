using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Nodes of a test's own and a job for them, in a folder that goes with them.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("singa-cluster-").FullName;
    private readonly ConcurrentQueue<NodeProcess> started = [];
    private readonly List<Process> submitted = [];

    /// <summary>HOCON of the nodes that are started from now on.</summary>
    public string Settings { get; set; } = "";

    public IEnumerable<NodeProcess> Living => started.Where(n => !n.Process.HasExited);

    public string Contacts => string.Join(',', Living.Where(n => !n.IsStopped).Select(n => n.Address));

    public string this[string file] => Path.Combine(folder, file);

    private static (string, string) WithSecret => ("SINGA_CLUSTER_SECRET", NodeProcess.Secret);

    /// <summary>A further node, which knows of all that live.</summary>
    public Task<NodeProcess> StartAsync(params string[] arguments) => StartAsync($"node-{started.Count}", [], arguments);

    /// <summary>The same node once more: its port and what it remembers stay, the process is another.</summary>
    public Task<NodeProcess> RestartAsync(NodeProcess gone, params string[] arguments) =>
        StartAsync(Path.GetFileName(gone.State), [], ["--port", gone.Port.ToString(), .. arguments]);

    public async Task<NodeProcess> StartAsync(string name, string[] within, params string[] arguments)
    {
        string state = Directory.CreateDirectory(this[name]).FullName;
        string[] seeds = [.. Living.Where(n => !n.IsStopped).SelectMany(n => new[] { "--seed-node", n.Address })];
        string[] root = arguments.Contains("--data-root") ? [] : ["--data-root", folder];
        var node = await NodeProcess.StartAsync(state, within, Settings, [.. seeds, .. root, .. arguments]);
        started.Enqueue(node);
        return node;
    }

    /// <summary>So many nodes, all of them members.</summary>
    public async Task<NodeProcess[]> StartManyAsync(int count, params string[] arguments)
    {
        var first = await StartAsync(arguments);
        NodeProcess[] nodes = [first, .. await Task.WhenAll(Enumerable.Range(1, count - 1).Select(i => StartAsync($"node-{i}", [], arguments)))];
        await UntilAsync(status => Members(status) == count);
        return nodes;
    }

    /// <summary>What nodes said and what was done to them, in order of time.</summary>
    public string Story() => string.Join('\n', started.SelectMany(n => n.Log.Since(0).Select(line => $"{n.Address} {line}")).OrderBy(l => l[(l.IndexOf(' ') + 1)..], StringComparer.Ordinal));

    public string Job(string text)
    {
        File.WriteAllText(this["job.conf"], text);
        return this["job.conf"];
    }

    /// <summary><c>singa submit</c> on its way; its ledger is <c>ledger.jsonl</c>.</summary>
    public Process Submit(string[] within, string job, string contacts, params string[] more)
    {
        var process = Singa.Start(within, [WithSecret], ["submit", job, "--cluster", contacts, "--ledger", this["ledger.jsonl"], .. more]);
        submitted.Add(process);
        return process;
    }

    public Process Submit(string job, params string[] more) => Submit([], job, Contacts, more);

    public Task StepsAsync(Process submit, int steps, int shards) => ToldAsync(Following.LinesAsync(submit, this["ledger.jsonl"], steps * shards));

    public Task<Finished> FinishAsync(Process submit) => ToldAsync(Singa.FinishAsync(submit));

    /// <summary>Ends the job before its time.</summary>
    public async Task CancelAsync(Process submit, string[] within, string contacts)
    {
        using var cancel = Singa.Start(within, [WithSecret], "cancel", "--cluster", contacts);
        var run = await Singa.FinishAsync(cancel);
        Assert.True(run.Code == 0, string.Join('\n', run.Errors));
        await Singa.FinishAsync(submit);
    }

    public int Steps(int shards) => Following.Count(this["ledger.jsonl"]) / shards;

    public async Task<JsonElement?> StatusAsync(string[] within, string contacts)
    {
        using var process = Singa.Start(within, [WithSecret], "status", "--cluster", contacts, "--json");
        var run = await Singa.FinishAsync(process);
        return run.Code == 0 ? JsonDocument.Parse(run.Output[0]).RootElement : null;
    }

    /// <param name="lacking">What is not yet as it should be, for whoever reads why the test failed.</param>
    public Task<JsonElement> UntilAsync(Func<JsonElement, bool> holds, Func<string>? lacking = null) => UntilAsync([], Contacts, holds, lacking);

    /// <summary>Asks until it is so; each question is a process and takes its time.</summary>
    public async Task<JsonElement> UntilAsync(string[] within, string contacts, Func<JsonElement, bool> holds, Func<string>? lacking = null)
    {
        JsonElement? last = null;
        for (int attempt = 0; attempt < 60; attempt++)
        {
            last = await StatusAsync(within, contacts) ?? last;
            if (last is { } status && holds(status))
                return status;
        }

        throw new TimeoutException($"it never came so far: {lacking?.Invoke()}\n{last}\n{Story()}");
    }

    public static int Members(JsonElement status) => status.GetProperty("members").EnumerateArray().Count(m => m.GetProperty("state").GetString() == "up");

    public static int Devices(JsonElement status) => status.GetProperty("members").EnumerateArray().Sum(m => m.GetProperty("devices").GetArrayLength());

    /// <summary>The only job there is.</summary>
    public static JsonElement Job(JsonElement status) => Assert.Single(status.GetProperty("jobs").EnumerateArray());

    /// <summary>Of all jobs, in order of ranks.</summary>
    public static string[] Workers(JsonElement status) =>
    [
        .. status.GetProperty("jobs").EnumerateArray().SelectMany(j => j.GetProperty("workers").EnumerateArray()).Select(w => w.GetProperty("worker").GetString()!),
    ];

    /// <summary>Of a run that hangs all nodes tell what they said.</summary>
    private async Task<T> ToldAsync<T>(Task<T> of)
    {
        try
        {
            return await of;
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{Story()}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in submitted)
        {
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        foreach (var node in started)
            await node.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
