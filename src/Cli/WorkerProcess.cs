using System.Diagnostics;
using System.Globalization;

namespace Singa.Actors.Cli;

/// <summary>What one question may take. <c>Bytes</c>: of the whole process; <c>HeapBytes</c>: where its runtime says that there is no more.</summary>
internal sealed record WorkerLimits(TimeSpan Time, long Bytes, long HeapBytes);

/// <summary>A line, or what became of the process instead.</summary>
internal sealed record WorkerAnswer(string? Line, string Fault);

/// <summary>
/// A process beside this one that answers each line with a line. If it ends, hangs or takes too much memory, that is the answer, and the next
/// question gets a new process.
/// </summary>
/// <param name="words">The hidden command of ours that it runs.</param>
internal sealed class WorkerProcess(IEnumerable<string> words, WorkerLimits limits) : IDisposable
{
    // How often memory is looked at.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    private Process? process;
    private Task<string>? errors;

    public async Task<WorkerAnswer> AskAsync(string question)
    {
        process ??= Start();
        try
        {
            await process.StandardInput.WriteLineAsync(question);
            await process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            return await EndedAsync();
        }

        var answer = process.StandardOutput.ReadLineAsync();
        var watch = Stopwatch.StartNew();
        while (await Task.WhenAny(answer, Task.Delay(Glance)) != answer)
        {
            if (watch.Elapsed > limits.Time)
                return Stop(string.Create(CultureInfo.InvariantCulture, $"took longer than {limits.Time.TotalSeconds:0} s"));
            process.Refresh();
            if (!process.HasExited && process.WorkingSet64 > limits.Bytes)
                return Stop($"took more than {limits.Bytes >> 20} MiB of memory");
        }

        return await answer is { } line ? new WorkerAnswer(line, "") : await EndedAsync();
    }

    public void Dispose()
    {
        if (process is null)
            return;
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(1)))
            process.Kill();
        process.Dispose();
    }

    private Process Start()
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // Run by `dotnet singa.dll` the program is the host, and we are its first argument.
        if (Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
            start.ArgumentList.Add(typeof(WorkerProcess).Assembly.Location);
        foreach (string word in words)
            start.ArgumentList.Add(word);
        start.Environment["DOTNET_GCHeapHardLimit"] = limits.HeapBytes.ToString("x", CultureInfo.InvariantCulture);
        var started = Process.Start(start)!;
        errors = started.StandardError.ReadToEndAsync();
        return started;
    }

    private WorkerAnswer Stop(string fault)
    {
        process!.Kill();
        process.Dispose();
        process = null;
        return new WorkerAnswer(null, fault);
    }

    private async Task<WorkerAnswer> EndedAsync()
    {
        await process!.WaitForExitAsync();
        string said = (await errors!).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "it said nothing";
        int code = process.ExitCode;
        process.Dispose();
        process = null;
        return new WorkerAnswer(null, $"ended its process with code {code}: {said}");
    }
}
