using System.Diagnostics;

namespace Singa.Actors.Cli.Tests;

/// <summary>What a run of <c>singa</c> left: exit code and both outputs, line by line.</summary>
internal sealed record Finished(int Code, string[] Output, string[] Errors);

/// <summary>The command as scripts run it: a process of its own.</summary>
internal static class Singa
{
    /// <summary>Long enough for a busy machine; a run that takes longer hangs.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    public static Process Start(params string[] arguments) => Start("singa.dll", arguments, []);

    /// <summary>The same with something set in its environment, and in a network of its own.</summary>
    /// <param name="within">The command that starts it there, as in <c>ip netns exec NAME</c>; empty, this machine's network.</param>
    public static Process Start(string[] within, (string Name, string Value)[] environment, params string[] arguments) =>
        Start("singa.dll", arguments, within, environment);

    private static Process Start(string program, string[] arguments, string[] within, params (string Name, string Value)[] environment)
    {
        string[] words = [.. within, "dotnet", Path.Combine(AppContext.BaseDirectory, program), .. arguments];
        var start = new ProcessStartInfo(words[0])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach (var word in words[1..])
            start.ArgumentList.Add(word);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    public static async Task<Finished> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        return await FinishAsync(process);
    }

    /// <summary>The same with something set in its environment.</summary>
    public static async Task<Finished> RunAsync((string Name, string Value) setting, params string[] arguments)
    {
        using var process = Start("singa.dll", arguments, [], setting);
        return await FinishAsync(process);
    }

    /// <summary>Another program that trains, under the same contract.</summary>
    public static async Task<Finished> RunOtherAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments, []);
        return await FinishAsync(process);
    }

    public static async Task<Finished> FinishAsync(Process process)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        List<string> output = [], errors = [];
        var read = Task.WhenAll(ReadAsync(process.StandardOutput, output), ReadAsync(process.StandardError, errors));
        try
        {
            await read.WaitAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new Finished(process.ExitCode, [.. output], [.. errors]);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await read;
            throw new TimeoutException($"the program did not end within {Deadline}; it said: {string.Join('\n', output.Concat(errors))}");
        }
    }

    private static async Task ReadAsync(StreamReader from, List<string> lines)
    {
        while (await from.ReadLineAsync() is { } line)
            lines.Add(line);
        // Empty lines at the end are nobody's answer.
        while (lines is [.., ""])
            lines.RemoveAt(lines.Count - 1);
    }
}
