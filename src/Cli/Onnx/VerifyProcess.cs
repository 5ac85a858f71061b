using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Cli.Onnx;

/// <summary>What one test may take.</summary>
internal sealed record VerifyLimits(TimeSpan Time, long Bytes);

/// <summary>
/// A process beside this one that runs tests, one a line, and answers each with a line. If it ends, hangs or takes too much memory, that is the
/// test's outcome, and the next test gets a new process.
/// </summary>
internal sealed class VerifyProcess(string? dump, int threads, VerifyLimits limits) : IDisposable
{
    // How often memory is looked at.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    private Process? process;
    private Task<string>? errors;

    public async Task<SuiteOutcome> RunAsync(SuiteTest test)
    {
        process ??= Start();
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(test));
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

        return await answer is { } line && SuiteOutcome.FromLine(line) is { } outcome ? outcome : await EndedAsync();
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
            start.ArgumentList.Add(typeof(VerifyProcess).Assembly.Location);
        foreach (string word in (string[])["onnx", VerifyWorker.Command, threads.ToString(CultureInfo.InvariantCulture), .. dump is null ? [] : new[] { dump }])
            start.ArgumentList.Add(word);
        start.Environment["DOTNET_GCHeapHardLimit"] = limits.Bytes.ToString("x", CultureInfo.InvariantCulture);
        var started = Process.Start(start)!;
        errors = started.StandardError.ReadToEndAsync();
        return started;
    }

    private SuiteOutcome Stop(string reason)
    {
        process!.Kill();
        process.Dispose();
        process = null;
        return new SuiteOutcome(SuiteVerdict.Failed, null, reason);
    }

    private async Task<SuiteOutcome> EndedAsync()
    {
        await process!.WaitForExitAsync();
        string said = (await errors!).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "it said nothing";
        return Stop(process.ExitCode, said);
    }

    private SuiteOutcome Stop(int code, string said)
    {
        process!.Dispose();
        process = null;
        return new SuiteOutcome(SuiteVerdict.Failed, null, $"ended its process with code {code}: {said}");
    }
}
