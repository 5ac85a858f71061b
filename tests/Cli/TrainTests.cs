using System.Text.Json;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Cli.Tests;

/// <summary>What scripts rely on when they call <c>singa train</c>.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly TemporaryJob job = new();

    public void Dispose() => job.Dispose();

    [Fact]
    public async Task Output_ends_with_the_four_closing_lines_and_nothing_is_on_standard_error()
    {
        var run = await Singa.RunAsync("train", job.File);
        Assert.Equal([], run.Errors);
        Assert.Equal(0, run.Code);
        Assert.Matches(@"^test accuracy \d+\.\d\d$", run.Output[^4]);
        Assert.Matches(@"^peak memory \d+\.\d planned \d+\.\d$", run.Output[^3]);
        Assert.Matches(@"^first step \d+$", run.Output[^2]);
        Assert.Matches("^digest sha256:[0-9a-f]{64}$", run.Output[^1]);
    }

    [Fact]
    public async Task A_model_that_was_saved_as_onnx_is_trained_further()
    {
        var first = await Singa.RunAsync("train", job.File, "--save", job["model.onnx"]);
        Assert.Equal((0, 0), (first.Code, first.Errors.Length));

        var still = await Singa.RunAsync("train", job.File, "--set", "job.model=model.onnx", "--set", "job.optimizer.learning-rate=0", "--save", job["again.onnx"]);
        Assert.Equal(first.Output[^1], still.Output[^1]);
        Assert.Equal(File.ReadAllBytes(job["model.onnx"]), File.ReadAllBytes(job["again.onnx"]));

        var missing = await Singa.RunAsync("train", job.File, "--set", "job.model=other.onnx");
        Assert.Equal(1, missing.Code);
        Assert.StartsWith($"singa: job.model in --set job.model is {job["other.onnx"]}, where no file is; correct the path", Assert.Single(missing.Errors));
    }

    [Fact]
    public async Task Strict_precision_is_another_job()
    {
        var strict = await Singa.RunAsync("train", job.File, "--set", "job.precision=strict", "--set", "job.max-steps=1", "--set", "job.model=resnet18", "--set", "job.batch-size=2");
        var fast = await Singa.RunAsync("train", job.File, "--set", "job.max-steps=1", "--set", "job.model=resnet18", "--set", "job.batch-size=2");
        Assert.Equal((0, 0), (strict.Code, fast.Code));
        Assert.NotEqual(fast.Output[^1], strict.Output[^1]);
    }

    [Fact]
    public async Task Storage_as_bfloat16_is_another_job_in_less_memory()
    {
        var half = await Singa.RunAsync("train", job.File, "--set", "job.storage=bfloat16", "--set", "job.max-steps=2");
        var whole = await Singa.RunAsync("train", job.File, "--set", "job.max-steps=2");
        Assert.Equal((0, 0), (half.Code, whole.Code));
        Assert.NotEqual(whole.Output[^1], half.Output[^1]);
        Assert.True(Planned(half.Output[^3]) < Planned(whole.Output[^3]), $"{half.Output[^3]} against {whole.Output[^3]}");

        var other = await Singa.RunAsync("train", job.File, "--set", "job.storage=float16");
        Assert.Equal(1, other.Code);
        Assert.Equal("singa: job.storage in --set job.storage is 'float16', which is unknown; did you mean bfloat16? It can be float32 | bfloat16", Assert.Single(other.Errors));

        static double Planned(string line) => double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_line_more_says_how_many_were_among_the_most_likely()
    {
        var run = await Singa.RunAsync("train", job.File, "--set", "job.top-k=3", "--set", "job.max-steps=2");
        Assert.Equal(0, run.Code);
        Assert.Matches(@"^test top-3 accuracy \d+\.\d\d$", run.Output[^5]);
        Assert.Matches(@"^test accuracy \d+\.\d\d$", run.Output[^4]);
    }

    [Fact]
    public async Task Metrics_ledger_and_saved_model_are_as_documented()
    {
        var run = await Singa.RunAsync(
            "train", job.File, "--metrics", job["metrics"], "--ledger", job["ledger"], "--save", job["model"], "--digest-every=4");
        Assert.Equal(0, run.Code);

        var steps = File.ReadLines(job["metrics"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToArray();
        Assert.Equal(Enumerable.Range(0, 8), steps.Select(s => s.GetProperty("step").GetInt32()));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], steps.Select(s => s.GetProperty("epoch").GetInt32()));
        Assert.All(steps, s => Assert.True(s.GetProperty("loss").GetDouble() >= 0 && s.GetProperty("step_ms").GetDouble() > 0 && s.GetProperty("samples_per_s").GetDouble() > 0));
        Assert.Equal([3, 7], steps.Where(s => s.TryGetProperty("digest", out _)).Select(s => s.GetProperty("step").GetInt32()));
        Assert.Equal(run.Output[^1], $"digest {steps[7].GetProperty("digest").GetString()}");

        var shards = File.ReadLines(job["ledger"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToArray();
        Assert.Equal(8 * 4, shards.Length);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            var seen = shards.Where(s => s.GetProperty("epoch").GetInt32() == epoch)
                .SelectMany(s => s.GetProperty("samples").EnumerateArray().Select(n => n.GetInt32()));
            Assert.Equal(Enumerable.Range(0, 100), seen.Order());
        }

        var saved = SafeTensors.Load(job["model"]);
        Assert.Equal(run.Output[^1], $"digest {ModelDigest.Of(saved.Tensors)}");
        Assert.Equal("mlp", saved.Metadata["model"]);
        Assert.Equal("10", saved.Metadata["classes"]);
        Assert.True(double.Parse(saved.Metadata["normalisation.mean"]) is > 0 and < 1);
    }

    [Fact]
    public async Task Equal_jobs_are_equal_files_and_another_seed_is_another_digest()
    {
        var first = await Singa.RunAsync("train", job.File, "--save", job["a"], "--set", "job.max-steps=2");
        var second = await Singa.RunAsync("train", job.File, "--save", job["b"], "--set", "job.max-steps=2", "--devices", "cpu=2", "--threads", "1");
        var third = await Singa.RunAsync("train", job.File, "--set", "job.max-steps=2", "--set=job.seed=2");
        Assert.Equal(first.Output[^1], second.Output[^1]);
        Assert.Equal(File.ReadAllBytes(job["a"]), File.ReadAllBytes(job["b"]));
        Assert.NotEqual(first.Output[^1], third.Output[^1]);
    }

    [SkippableTheory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_ends_it_in_order_with_130(string signal)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        Skip.If(signal == "INT" && Signals.InterruptsAreIgnored, "these tests were started in the background of a shell, where children ignore SIGINT");
        using var process = Singa.Start("train", job.File, "--set", "job.epochs=1000000000");
        Assert.NotNull(await process.StandardOutput.ReadLineAsync());
        await Signals.SendAsync(process, signal);
        var run = await Singa.FinishAsync(process);
        Assert.Equal(130, run.Code);
        Assert.Equal(["singa: interrupted"], run.Errors);
        Assert.DoesNotContain(run.Output, line => line.StartsWith("digest", StringComparison.Ordinal));
    }
}
