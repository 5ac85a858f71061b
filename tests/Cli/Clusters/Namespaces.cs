using System.Diagnostics;

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Two networks of a test's own with a bridge between them, which can be cut: packets are lost then, and nobody is told.</summary>
internal sealed class Namespaces : IAsyncDisposable
{
    public const string LeftHost = "10.77.0.1", RightHost = "10.77.0.2";

    private readonly string left, middle, right;

    private Namespaces(string name) => (left, middle, right) = ($"{name}l", $"{name}m", $"{name}r");

    public string[] Left => Within(left);

    public string[] Right => Within(right);

    /// <exception cref="SkipException">They cannot be had here.</exception>
    public static async Task<Namespaces> CreateAsync()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "network namespaces need Linux and root");
        var spaces = new Namespaces($"singa-{Environment.ProcessId}-{Random.Shared.Next(10000)}");
        string problem = await ShellAsync($$"""
            set -e
            for n in {{spaces.left}} {{spaces.middle}} {{spaces.right}}; do ip netns add $n; ip -n $n link set lo up; done
            ip -n {{spaces.middle}} link add between type bridge
            ip -n {{spaces.middle}} link set between up
            ip link add outside netns {{spaces.left}} type veth peer name leftside netns {{spaces.middle}}
            ip link add outside netns {{spaces.right}} type veth peer name rightside netns {{spaces.middle}}
            for side in leftside rightside; do ip -n {{spaces.middle}} link set dev $side master between up; done
            ip -n {{spaces.left}} addr add {{LeftHost}}/24 dev outside
            ip -n {{spaces.right}} addr add {{RightHost}}/24 dev outside
            for n in {{spaces.left}} {{spaces.right}}; do ip -n $n link set dev outside up; done
            """);
        if (problem.Length > 0)
        {
            await spaces.DisposeAsync();
            throw new SkipException($"network namespaces cannot be had here: {problem}");
        }

        return spaces;
    }

    /// <summary>For so long; what is cut is time itself here.</summary>
    public Task CutAsync(int seconds) => SureAsync($"ip -n {middle} link set dev rightside nomaster && sleep {seconds}; ip -n {middle} link set dev rightside master between");

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { left, middle, right })
            await ShellAsync($"ip netns del {name}");
    }

    private async Task SureAsync(string script) => Assert.Equal("", await ShellAsync(script));

    private static string[] Within(string name) => ["ip", "netns", "exec", name];

    /// <returns>What went wrong; empty: nothing.</returns>
    private static async Task<string> ShellAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { RedirectStandardError = true })!;
        string errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return shell.ExitCode == 0 ? "" : $"{errors.Trim()} ({shell.ExitCode})";
    }
}
