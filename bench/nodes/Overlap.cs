using System.Diagnostics;
using System.Text.Json;

namespace Singa.Actors.Bench.Nodes;

/// <summary>How much of the exchange hides behind backward: ResNet-18, two processes of one thread.</summary>
internal static class Overlap
{
    private const int WarmUp = 5, Few = 2, Many = 8;

    // Backward is about two thirds of a step: an exchange of half of it takes a third.
    private const double StepsOfExchange = 3;

    public static void Run(Options options, Page page)
    {
        page.Title($"Exchange behind backward, ResNet-18, two processes of one thread{(Wire.Here is { } rate ? $", over a wire of {rate} Gbit/s" : "")}");
        string folder = Directory.CreateDirectory(Path.Combine(options.Logs, "overlap")).FullName;
        int steps = options.Of(30, 120);
        string model = Path.Combine(folder, "model.safetensors");
        double few = Alone(options, folder, Few, 10, model), many = Alone(options, folder, Many, 10, null);
        long bytes = new FileInfo(model).Length / sizeof(float) * sizeof(float);
        double exchange = Sums.Seconds(options, bytes);
        // A step costs something whatever its samples, the update for instance, and so much for each.
        double each = Math.Max((many - few) / (Many - Few), 1e-6);
        int half = (int)Math.Clamp(Math.Round((StepsOfExchange * exchange - few) / each + Few), 1, 256);
        double without = Alone(options, folder, half, steps, null);
        double with = Together(options, page, half, steps);
        double hidden = 1 - (with - without) / exchange;
        page.Head("", "ms");
        page.Row($"exchange alone, {bytes / 1048576.0:0.0} MiB", $"{1000 * exchange:0.0}");
        page.Row($"step without exchange: {half} samples in each of two processes that know nothing of each other", $"{1000 * without:0.0}");
        page.Row($"step of {2 * half} samples with exchange", $"{1000 * with:0.0}");
        page.Row("hidden", Figures.Percent(hidden));
        page.Line();
        page.Line($"Exchange ÷ backward (two thirds of a step): {exchange / (without * 2 / 3):0.00}. The exchange needs processor time of its own; on {Environment.ProcessorCount} cores two training threads leave it {Math.Max(0, Environment.ProcessorCount - 2)}.");
        if (Wire.Here is not null)
            return;
        foreach (string line in Wire.Run(options, "overlap"))
            page.Line(line);
    }

    /// <summary>Two processes at the same time, so that each has what it has of memory and cores in the other run; the slower one's mean.</summary>
    private static double Alone(Options options, string folder, int batch, int steps, string? save)
    {
        string job = Path.Combine(folder, "alone.conf");
        File.WriteAllText(job, $"job {{ {Jobs.ResNet(batch, shards: 1)}, max-steps = {steps + WarmUp} }}");
        var runs = new[] { 0, 1 }.Select(i =>
        {
            string metrics = Path.Combine(folder, $"alone-{i}.jsonl");
            string[] saved = save is not null && i == 0 ? ["--save", save] : [];
            return (Metrics: metrics, Process: Process.Start(new ProcessStartInfo(options.Singa, ["train", job, "--devices", "cpu:0", "--threads", "1", "--metrics", metrics, .. saved])
            {
                RedirectStandardOutput = true,
            })!);
        }).ToArray();
        try
        {
            foreach (var (_, process) in runs)
            {
                process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode != 0)
                    throw new BenchException($"singa train ended with {process.ExitCode}");
            }
        }
        finally
        {
            foreach (var (_, process) in runs)
            {
                if (!process.HasExited)
                    process.Kill();
                process.Dispose();
            }
        }

        return runs.Max(r => File.ReadLines(r.Metrics).Skip(WarmUp).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("step_ms").GetDouble() / 1000).Average());
    }

    private static double Together(Options options, Page page, int half, int steps)
    {
        using var cluster = LocalCluster.Start(options, "overlap", 2);
        using var job = WatchedJob.Submit(cluster.Client, Jobs.ResNet(2 * half, shards: 2), page);
        var first = job.First(0, 120, "two nodes to train", c => c.Step >= WarmUp && c.Nodes == 2);
        var last = job.First(first.At, 600, $"{steps} steps", c => c.Step >= first.Step + steps);
        return (last.At - first.At) / (last.Step - first.Step);
    }
}
