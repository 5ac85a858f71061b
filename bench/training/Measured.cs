using System.Diagnostics;
using System.Text.Json.Nodes;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Cpu;

namespace Singa.Actors.Bench.Training;

/// <summary>Measures one workload on this side.</summary>
internal static class Measured
{
    private const double WarmUpSeconds = 1.5;

    public static void Run(Options options, string workload)
    {
        using var backend = new CpuBackend(0, new CpuOptions { Threads = options.Threads });
        var machine = new Machine(options.Threads);
        switch (workload)
        {
            case "gemm":
                Micro.Gemm(backend, options, machine);
                break;
            case "gemm-shapes":
                Micro.GemmShapes(backend, options, machine);
                break;
            case "pointwise":
                Micro.Pointwise(backend, options, machine);
                break;
            case "rows":
                Micro.Rows(backend, options, machine);
                break;
            case "adam":
                Micro.Adam(backend, options, machine);
                break;
            case "infer1" or "infer32":
                int batch = int.Parse(workload["infer".Length..]);
                using (var network = Network.ToInfer("resnet18", backend, batch))
                    Write("resnet18", "infer", batch, options, network, machine);
                break;
            default:
                using (var network = Network.ToTrain(workload, backend, options.Shards))
                    Write(workload, "train", network.Batch, options, network, machine);
                break;
        }
    }

    private static void Write(string workload, string mode, int batch, Options options, Network network, Machine machine)
    {
        network.Step();
        double firstStep = Report.SinceProcessStartMs();
        for (long start = Stopwatch.GetTimestamp(), n = 0; n < 2 || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; n++)
            network.Step();
        var steps = new List<double>(1 << 16);
        int collections = GC.CollectionCount(0);
        for (long start = Stopwatch.GetTimestamp(); steps.Count < options.MinSteps || Stopwatch.GetElapsedTime(start).TotalSeconds < options.Seconds;)
        {
            long begin = Stopwatch.GetTimestamp();
            network.Step();
            steps.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        collections = GC.CollectionCount(0) - collections;
        double median = Report.Median(steps);
        Report.Write(new JsonObject
        {
            ["workload"] = workload, ["mode"] = mode, ["batch"] = batch, ["threads"] = options.Threads, ["shards"] = options.Shards, ["steps"] = steps.Count,
            ["median_ms"] = median, ["p10_ms"] = Report.Quantile(steps, 0.1), ["p90_ms"] = Report.Quantile(steps, 0.9),
            ["samples_per_s"] = batch * 1000.0 / median, ["first_step_ms"] = firstStep, ["peak_rss_mb"] = Report.PeakRssMb(),
            ["floor_ms"] = network.Floor(machine).Seconds * 1000, ["planned_mb"] = network.PlannedBytes / 1048576.0, ["gen0_per_1000_steps"] = collections * 1000.0 / steps.Count,
        });
    }
}
