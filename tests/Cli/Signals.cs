using System.Diagnostics;

namespace Singa.Actors.Cli.Tests;

/// <summary>What a user's terminal or a machine that shuts down sends.</summary>
internal static class Signals
{
    /// <summary>A shell's background jobs ignore SIGINT, and so do their children.</summary>
    public static bool InterruptsAreIgnored
    {
        get
        {
            const string status = "/proc/self/status", key = "SigIgn:";
            const ulong interrupt = 1 << 1;
            return File.Exists(status) && File.ReadLines(status).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) is { } line
                && (Convert.ToUInt64(line[key.Length..].Trim(), 16) & interrupt) != 0;
        }
    }

    /// <summary>What a terminal sends to end a program; where that is ignored, what a machine sends.</summary>
    public static string End => InterruptsAreIgnored ? "TERM" : "INT";

    public static async Task SendAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }
}
