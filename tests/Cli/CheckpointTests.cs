using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Singa.Actors.Cli.Tests;

/// <summary>Runs that end before their job has, however they end: the same command again comes to the same end.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const int Steps = 128;

    private readonly TemporaryJob job = new();
    private readonly Random random = new(4);

    public void Dispose() => job.Dispose();

    /// <summary>With <c>SINGA_LONG=1</c> ten times and more steps; else as often as takes seconds.</summary>
    [SkippableFact]
    public async Task Killed_at_random_moments_it_ends_as_if_it_had_never_been()
    {
        Skip.If(OperatingSystem.IsWindows(), "processes are ended with kill");
        bool isLong = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";
        int kills = isLong ? 10 : 3, steps = isLong ? 8 * Steps : Steps;
        string[] command = Command(steps, "--checkpoint", job["saved"], "--checkpoint-every", "7", "--metrics", job["metrics"], "--ledger", job["ledger"], "--digest-every=16");
        var expected = await Singa.RunAsync(Command(steps));
        for (int kill = 0; kill < kills; kill++)
        {
            using var process = Singa.Start([.. command, .. Devices()]);
            // Before the first step it takes, or some of these later.
            int recorded = Following.Count(job["metrics"]);
            await Following.LinesAsync(process, job["metrics"], recorded - random.Next(8) + random.Next(2 * steps / kills));
            process.Kill();
            await process.WaitForExitAsync();
        }

        var run = await Singa.RunAsync([.. command, .. Devices()]);
        Same(expected, run);
        // Reports that were on their way when the process was killed may be gone for good; then it says so and nothing else.
        Assert.All(run.Errors, line => Assert.Matches("^warning: .* lacks steps ", line));
        if (run.Errors.Length == 0)
            RecordsAreWhole(steps);
    }

    [SkippableTheory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_saves_the_step_and_the_same_command_goes_on(string signal)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        Skip.If(signal == "INT" && Signals.InterruptsAreIgnored, "these tests were started in the background of a shell, where children ignore SIGINT");
        // On a busy machine a signal takes as long as many steps: the job must not have ended by then.
        const int all = 6 * Steps;
        var expected = await Singa.RunAsync(Command(all));
        string[] command = Command(all, "--checkpoint", job["saved"], "--checkpoint-every", "1000", "--metrics", job["metrics"], "--ledger", job["ledger"], "--digest-every=16");
        using var process = Singa.Start([.. command, "--devices", "cpu=2", "--threads", "1"]);
        await Following.LinesAsync(process, job["metrics"], 5);
        await Signals.SendAsync(process, signal);
        var stopped = await Singa.FinishAsync(process);
        Assert.Equal(130, stopped.Code);
        var steps = Regex.Match(Assert.Single(stopped.Errors), "^singa: interrupted after ([0-9]+) steps, which are saved in .*; the same command goes on from there$");
        Assert.True(steps.Success, stopped.Errors[0]);
        Assert.Equal(int.Parse(steps.Groups[1].Value), Following.Count(job["metrics"]));
        Assert.Equal([$"step-{int.Parse(steps.Groups[1].Value):D9}.safetensors"], Directory.EnumerateFiles(job["saved"]).Select(Path.GetFileName));

        var run = await Singa.RunAsync([.. command, "--devices", "cpu=3"]);
        Assert.Empty(run.Errors);
        Same(expected, run);
        RecordsAreWhole(all);
    }

    [Fact]
    public async Task One_flipped_byte_is_one_warning_and_the_same_end()
    {
        string[] command = Command(Steps, "--checkpoint", job["saved"], "--checkpoint-every", "50");
        var first = await Singa.RunAsync(command);
        Assert.Equal([$"step-{100:D9}.safetensors", $"step-{Steps:D9}.safetensors"], Directory.EnumerateFiles(job["saved"]).Select(Path.GetFileName).Order());
        var (newest, before) = (Path.Combine(job["saved"], $"step-{Steps:D9}.safetensors"), Path.Combine(job["saved"], $"step-{100:D9}.safetensors"));
        Flip(newest);

        var run = await Singa.RunAsync([.. command, "--devices", "cpu=2"]);
        Same(first, run);
        Assert.Equal($"warning: checkpoint {newest} is damaged (its bytes do not match its checksum), using {before}", Assert.Single(run.Errors));

        Flip(newest);
        Flip(before);
        var refused = await Singa.RunAsync(command);
        Assert.Equal(1, refused.Code);
        Assert.Contains(newest, Assert.Single(refused.Errors));
        Assert.Contains(before, refused.Errors[0]);
        Assert.Equal(2, Directory.EnumerateFiles(job["saved"]).Count());
    }

    [Fact]
    public async Task After_the_end_the_closing_lines_come_again()
    {
        string[] command = Command(16, "--checkpoint", job["saved"], "--metrics", job["metrics"], "--save");
        var first = await Singa.RunAsync([.. command, job["a"]]);
        var again = await Singa.RunAsync([.. command, job["b"]]);
        Assert.Equal((0, 0), (first.Code, again.Code));
        Assert.Empty(again.Errors);
        Assert.Equal(first.Output[^4..], again.Output[^4..]);
        Assert.Equal(File.ReadAllBytes(job["a"]), File.ReadAllBytes(job["b"]));
        Assert.Equal(16, Following.Count(job["metrics"]));
    }

    [Fact]
    public async Task The_same_in_a_job_and_the_command_line_wins()
    {
        File.AppendAllText(job.File, "\njob.checkpoint { path = in-job, every = 3 }\njob.evaluate-every = 2");
        var run = await Singa.RunAsync(Command(8, "--metrics", job["metrics"]));
        Assert.Equal(["step-000000006.safetensors", "step-000000008.safetensors"], Directory.EnumerateFiles(job["in-job"]).Select(Path.GetFileName).Order());
        var tested = File.ReadLines(job["metrics"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).Where(s => s.TryGetProperty("test_loss", out _)).ToArray();
        Assert.Equal([1, 3, 5, 7], tested.Select(s => s.GetProperty("step").GetInt32()));
        Assert.Equal(run.Output[^4], $"test accuracy {tested[^1].GetProperty("test_accuracy").GetDouble() * 100:F2}");

        await Singa.RunAsync(Command(8, "--checkpoint", job["elsewhere"], "--checkpoint-every", "5"));
        Assert.Equal(["step-000000005.safetensors", "step-000000008.safetensors"], Directory.EnumerateFiles(job["elsewhere"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_job_that_stops_early_says_so()
    {
        File.AppendAllText(job.File, "\njob.early-stopping { patience = 1, min-delta = 100 }");
        var run = await Singa.RunAsync("train", job.File, "--metrics", job["metrics"], "--set", "job.epochs=9");
        Assert.Equal(0, run.Code);
        Assert.Contains("stopped after 8 steps, since the held-back loss no longer fell; the model is that of 4 steps", run.Output);
        Assert.Equal(8, Following.Count(job["metrics"]));
    }

    [Fact]
    public async Task Another_job_in_the_folder_is_refused_by_what_differs()
    {
        await Singa.RunAsync(Command(4, "--checkpoint", job["saved"]));
        var run = await Singa.RunAsync(Command(4, "--checkpoint", job["saved"], "--set", "job.optimizer.learning-rate=0.02", "--set", "job.model=lenet"));
        Assert.Equal(1, run.Code);
        Assert.Contains("belongs to another job: model is", Assert.Single(run.Errors));
        Assert.Contains("optimizer is LearningRate = 0.01 there and LearningRate = 0.02 here", run.Errors[0]);
    }

    private string[] Command(int steps, params string[] more) => ["train", job.File, "--set", "job.epochs=1000", "--set", $"job.max-steps={steps}", .. more];

    private string[] Devices() => ["--devices", $"cpu={random.Next(1, 5)}", "--threads", $"{random.Next(1, 3)}"];

    private static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 3] ^= 4;
        File.WriteAllBytes(file, bytes);
    }

    private static void Same(Finished expected, Finished run)
    {
        Assert.Equal(0, run.Code);
        Assert.Equal(expected.Output[^1], run.Output[^1]);
        Assert.Equal(expected.Output[^4], run.Output[^4]);
    }

    /// <summary>Every step once, and every sample once an epoch.</summary>
    private void RecordsAreWhole(int steps)
    {
        var metrics = File.ReadLines(job["metrics"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToArray();
        Assert.Equal(Enumerable.Range(0, steps), metrics.Select(s => s.GetProperty("step").GetInt32()));
        Assert.Equal(steps / 16, metrics.Count(s => s.TryGetProperty("digest", out _)));
        var seen = File.ReadLines(job["ledger"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).GroupBy(s => s.GetProperty("epoch").GetInt32());
        Assert.All(seen, epoch => Assert.Equal(Enumerable.Range(0, 100), epoch.SelectMany(s => s.GetProperty("samples").EnumerateArray().Select(n => n.GetInt32())).Order()));
    }
}
