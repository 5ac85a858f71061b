using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests;

/// <summary>A <c>singa node</c> of a test's own; ended with it, however the test ends.</summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    public const string Secret = "a secret of the tests";
    private const string DevicesOption = "--devices", ThreadsOption = "--threads";
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private NodeProcess(Process process, NodeLog log, string state, string address, int dataPort) =>
        (Process, Log, State, Address, DataPort) = (process, log, state, address, dataPort);

    public Process Process { get; }

    public NodeLog Log { get; }

    /// <summary>The folder in which it remembers members.</summary>
    public string State { get; }

    public string Address { get; }

    public int Port => int.Parse(Address.Split(':')[1]);

    public int DataPort { get; }

    public bool IsStopped { get; private set; }

    /// <summary>Returns when it is up.</summary>
    /// <param name="state">A folder of the test's own, in which it remembers members.</param>
    public static Task<NodeProcess> StartAsync(string state, params string[] arguments) => StartAsync(state, [], "", arguments);

    /// <param name="within">The command that starts it in another network; empty, this machine's.</param>
    /// <param name="settings">HOCON beside the secret's.</param>
    public static async Task<NodeProcess> StartAsync(string state, string[] within, string settings, params string[] arguments)
    {
        string config = Path.Combine(state, "node.conf");
        File.WriteAllText(config, $"singa.cluster {{ secret = \"{Secret}\", state-dir = \"{state.Replace("\\", "\\\\")}\" }}\n{settings}");
        string[] defaults = [.. Unless(DevicesOption, "cpu:0"), .. Unless(ThreadsOption, "1")];
        // Without diagnostics the runtime itself leaves no files behind when it is killed.
        var process = Singa.Start(within, [("DOTNET_EnableDiagnostics", "0")], ["node", "--config", config, .. defaults, .. arguments]);
        var log = new NodeLog(process, Path.GetFileName(state));
        try
        {
            using var deadline = new CancellationTokenSource(Deadline);
            string? line = await process.StandardOutput.ReadLineAsync(deadline.Token);
            if (line is null || UpLine().Match(line) is not { Success: true } up)
            {
                process.Kill();
                throw new InvalidOperationException($"the node said '{line}' and {string.Join('\n', await log.AllAsync())}");
            }

            return new NodeProcess(process, log, state, up.Groups[1].Value, int.Parse(up.Groups[2].Value));
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }

        string[] Unless(string option, string value) => arguments.Contains(option) ? [] : [option, value];
    }

    /// <summary>SIGKILL, and it is gone.</summary>
    public async Task KillAsync()
    {
        Log.Note("killed");
        Process.Kill();
        await Process.WaitForExitAsync();
    }

    public async Task HaltAsync()
    {
        Log.Note("stopped");
        await Signals.SendAsync(Process, "STOP");
        IsStopped = true;
    }

    public async Task ContinueAsync()
    {
        Log.Note("continued");
        await Signals.SendAsync(Process, "CONT");
        IsStopped = false;
    }

    public async Task<Finished> StopAsync(string signal = "TERM")
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await Signals.SendAsync(Process, signal);
        await Process.WaitForExitAsync(deadline.Token);
        return new Finished(Process.ExitCode, [], await Log.AllAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
            Process.Kill();
        await Process.WaitForExitAsync();
        await Log.AllAsync();
        Process.Dispose();
    }

    [GeneratedRegex(@"^node (\S+:\d+) is up, data port (\d+)$")]
    private static partial Regex UpLine();
}
