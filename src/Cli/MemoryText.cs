using System.Globalization;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli;

/// <summary>What plans take of their devices, and what it costs that it is not more.</summary>
internal static class MemoryText
{
    /// <summary>
    /// Of each device: what it may give and what is planned, all included; what would be if everything was computed once; how many of its
    /// shards are computed at once; and of a step's gradients what is computed again: steps, and how much more arithmetic and memory traffic.
    /// </summary>
    public static void WriteCosts(IEnumerable<JobPlan> plans, long budget, TextWriter output)
    {
        var table = new TextTable("device", "budget", "planned", "all once", "shards at once", "again", "flops", "traffic");
        foreach (var (device, _, worker) in plans)
        {
            if (worker is null)
                continue;
            var again = worker.Plan.Plan.Sections.Select(s => s.Recomputed).OfType<Recomputed>().MaxBy(r => r.BytesOnce);
            table.Add(
                device, budget == 0 ? "none" : TextTable.Bytes(budget), TextTable.Bytes(worker.Bytes), TextTable.Bytes(worker.Bytes + (again is null ? 0 : again.BytesOnce - again.Bytes)),
                worker.Plan.ShardsAtOnce.ToString(CultureInfo.InvariantCulture), again is null ? "nothing" : $"{again.Steps} steps",
                More(again?.Flops ?? 0, again?.FlopsOnce ?? 1), More(again?.Traffic ?? 0, again?.TrafficOnce ?? 1));
        }

        output.WriteLine();
        table.Write(output);
    }

    /// <summary>What a section computes more than once, step by step.</summary>
    public static void WriteAgain(Section section, TextWriter output)
    {
        if (section.Recomputed is not { } again)
            return;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"    computed again: {again.Steps} steps, {again.Flops / 1e9:F3} GFLOP ({More(again.Flops, again.FlopsOnce)}), {TextTable.Bytes((long)again.Traffic)} read and "
            + $"written ({More(again.Traffic, again.TrafficOnce)}); alive at once {TextTable.Bytes(again.Bytes)} instead of {TextTable.Bytes(again.BytesOnce)}"));
        output.WriteLine($"      {string.Join(", ", again.What.Select(w => w.Times == 1 ? w.Name : $"{w.Name} ×{w.Times}"))}");
    }

    private static string More(double more, double once) => string.Create(CultureInfo.InvariantCulture, $"+{more / Math.Max(1, once) * 100:F1} %");
}
