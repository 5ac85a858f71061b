using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests;

/// <summary>A <c>singa node</c> of a test's own; ended with it, however the test ends.</summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    public const string Secret = "a secret of the tests";
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private readonly Task<string> errors;

    private NodeProcess(Process process, string address) => (Process, Address, errors) = (process, address, process.StandardError.ReadToEndAsync());

    public Process Process { get; }

    public string Address { get; }

    public int Port => int.Parse(Address.Split(':')[1]);

    /// <summary>Returns when it is up.</summary>
    /// <param name="state">A folder of the test's own, in which it remembers members.</param>
    public static async Task<NodeProcess> StartAsync(string state, params string[] arguments)
    {
        string config = Path.Combine(state, "node.conf");
        File.WriteAllText(config, $"singa.cluster {{ secret = \"{Secret}\", state-dir = \"{state.Replace("\\", "\\\\")}\" }}");
        var process = Singa.Start(["node", "--config", config, "--devices", "cpu:0", "--threads", "1", .. arguments]);
        try
        {
            using var deadline = new CancellationTokenSource(Deadline);
            string? line = await process.StandardOutput.ReadLineAsync(deadline.Token);
            if (line is null || UpLine().Match(line) is not { Success: true } up)
                throw new InvalidOperationException($"the node said '{line}' and {await process.StandardError.ReadToEndAsync(deadline.Token)}");
            return new NodeProcess(process, up.Groups[1].Value);
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    public async Task<Finished> StopAsync(string signal = "TERM")
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await Signals.SendAsync(Process, signal);
        await Process.WaitForExitAsync(deadline.Token);
        return new Finished(Process.ExitCode, [], (await errors).Split('\n'));
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
            Process.Kill();
        await Process.WaitForExitAsync();
        Process.Dispose();
    }

    [GeneratedRegex(@"^node (\S+:\d+) is up, data port \d+$")]
    private static partial Regex UpLine();
}
