using System.Diagnostics;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Training;

/// <summary>
/// Where a step's time goes: each operation by itself, in the order of the plan, medians over many steps of what the calling thread
/// computed; meant for one thread.
/// </summary>
internal static class Breakdown
{
    private const int WarmUp = 2;

    public static void Run(IBackend backend, string workload, int shards, double seconds)
    {
        using var network = workload.StartsWith("infer", StringComparison.Ordinal)
            ? Network.ToInfer("resnet18", backend, int.Parse(workload["infer".Length..]))
            : Network.ToTrain(workload, backend, shards);
        var operations = network.Sections.SelectMany(s => network.Loaded.Plan.Sections[s].Operations.Select((o, i) => (o.Name, o.Kernel, Compiled: network.Loaded.Kernel(s, i))))
            .Where(o => o.Compiled is not null).ToArray();
        var times = operations.Select(_ => new List<double>()).ToArray();
        network.Step();
        long start = Stopwatch.GetTimestamp();
        for (int step = 0; step < WarmUp || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; step++)
        {
            for (int i = 0; i < operations.Length; i++)
            {
                double begin = ThreadClock.Microseconds();
                backend.Launch(operations[i].Compiled!, network.Loaded.Scratch);
                backend.Synchronize();
                if (step >= WarmUp)
                    times[i].Add(ThreadClock.Microseconds() - begin);
            }
        }

        var medians = times.Select(t => t.Count == 0 ? 0 : Report.Median(t)).ToArray();
        double total = medians.Sum();
        Console.WriteLine($"{workload}: {operations.Length} operations, {total / 1000:0.000} ms");
        for (int i = 0; i < operations.Length; i++)
            Console.WriteLine($"{medians[i],10:0.0} µs {medians[i] / total,6:0.0 %}  {operations[i].Name,-60} {Describe(operations[i].Kernel)}");
    }

    private static string Describe(Kernel kernel)
    {
        string shapes = $"{string.Join(" ", kernel.Inputs.Select(o => o.Shape + (o.IsContiguous ? "" : "~")))} → {string.Join(" ", kernel.Outputs.Select(o => o.Shape + (o.IsContiguous ? "" : "~")))}";
        return kernel switch
        {
            ContractKernel { Tree.IsEmpty: false } => $"contract+shards {shapes}",
            ContractKernel { Epilogue: not null } => $"contract+map {shapes}",
            GroupKernel group => $"group of {group.Links.Length}",
            _ => $"{kernel.GetType().Name.Replace("Kernel", "").ToLowerInvariant()} {shapes}",
        };
    }
}
