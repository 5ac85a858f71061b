using System.Diagnostics;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Memory;

/// <summary>Storage as bfloat16 against float32: planned and resident memory, and the losses beside one another. Each run has a process of its own.</summary>
internal static class StorageComparison
{
    private const int Rows = 10;

    public static void Run(int steps)
    {
        foreach (string name in StorageRun.Names)
        {
            var (whole, half) = (Trained(name, false, steps), Trained(name, true, steps));
            Console.WriteLine($"{name}, bfloat16 against float32: planned {half.Planned / 1048576.0:0.0} / {whole.Planned / 1048576.0:0.0} MiB = {(double)half.Planned / whole.Planned:0.000}, "
                + $"with kernels' scratch {(double)(half.Planned + half.Scratch) / (whole.Planned + whole.Scratch):0.000}; "
                + $"peak resident {half.Resident / 1048576.0:0.0} / {whole.Resident / 1048576.0:0.0} MiB = {(double)half.Resident / whole.Resident:0.000}");
            Console.WriteLine("  where it goes, MiB            float32  bfloat16");
            foreach (var kind in whole.Kinds.Keys)
                Console.WriteLine($"  {kind,-26} {whole.Kinds[kind] / 1048576.0,9:0.0} {half.Kinds[kind] / 1048576.0,9:0.0}");
            Console.WriteLine("  mean loss of steps            float32  bfloat16");
            int each = Math.Max(1, steps / Rows);
            for (int first = 0; first < steps; first += each)
                Console.WriteLine($"  {first,4} to {Math.Min(steps, first + each) - 1,4} {"",13} {whole.Losses.Skip(first).Take(each).Average(),10:0.0000} {half.Losses.Skip(first).Take(each).Average(),9:0.0000}");
        }
    }

    private static (long Planned, long Scratch, long Resident, Dictionary<string, long> Kinds, float[] Losses) Trained(string name, bool half, int steps)
    {
        var training = StorageRun.Plan(name, half, steps);
        var plan = training.Plan;
        var kinds = training.Variables.GroupBy(v => $"{v.Kind}").ToDictionary(g => g.Key, g => g.Sum(v => plan.Blocks[v.Block].Bytes));
        kinds["Gradients"] = plan.Blocks.Where(b => b.Kind == BlockKind.Bucket).Sum(b => b.Bytes);
        kinds["Everything of a step"] = plan.ArenaBytes - kinds.Values.Sum();
        // A DLL is started by its host, a published build by itself.
        string self = Environment.ProcessPath!, entry = Environment.GetCommandLineArgs()[0];
        var start = new ProcessStartInfo(self) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
            start.ArgumentList.Add(entry);
        foreach (string argument in new[] { "train", name, half ? "bfloat16" : "float32", $"{steps}" })
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        string[] lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{name} ended with {process.ExitCode}");
        return (plan.ArenaBytes, Backends.ScratchBytes(new DeviceDescription("cpu", 0, 2), plan), long.Parse(lines[0]), kinds, [.. lines.Skip(1).Select(float.Parse)]);
    }
}
