using System.Globalization;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Cli;

/// <summary>A plan for reading: kernels after fusion, section by section, then where each block lies.</summary>
internal static class PlanText
{
    public static void Write(TrainingPlan training, TextWriter output)
    {
        var plan = training.Plan;
        foreach (var section in plan.Sections)
        {
            output.WriteLine();
            var cost = section.Operations.Select(o => KernelCost.Of(o.Kernel)).Aggregate(default(KernelCost), (sum, each) => sum + each);
            Line($"  section {section.Name}: {section.Operations.Length} operations, {cost.Flops / 1e9:F3} GFLOP, {TextTable.Bytes(cost.Bytes)} read and written");
            if (section.Recomputed is { } again)
            {
                Line($"    {again.Steps} of them compute again what was not kept: {again.Flops / again.FlopsOnce:P1} more FLOP and {again.Traffic / again.TrafficOnce:P1} more bytes, at most {TextTable.Bytes(again.Bytes)} of passing blocks alive instead of {TextTable.Bytes(again.BytesOnce)}");
            }

            var table = new TextTable("#", "kernel", "for", "writes", "reads");
            for (int i = 0; i < section.Operations.Length; i++)
            {
                var operation = section.Operations[i];
                table.Add(
                    i.ToString(CultureInfo.InvariantCulture), KernelText.Form(operation.Kernel), operation.Name,
                    string.Join(", ", operation.Kernel.Outputs.Select(KernelText.Of)), string.Join(", ", operation.Kernel.Inputs.Select(KernelText.Of)));
            }

            table.Write(output, "    ");
            MemoryText.WriteAgain(section, output);
        }

        WriteMemory(plan, training, output);

        void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
    }

    private static void WriteMemory(Plan plan, TrainingPlan training, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine("  memory");
        var table = new TextTable("block", "kind", "offset", "bytes", "name");
        foreach (var block in plan.Blocks.OrderBy(b => b.Offset).ThenBy(b => b.Id))
        {
            table.Add(
                $"b{block.Id}", block.Kind.ToString().ToLowerInvariant(), block.Offset.ToString("N0", CultureInfo.InvariantCulture),
                block.Bytes.ToString("N0", CultureInfo.InvariantCulture), block.Name);
        }

        table.Write(output, "    ");
        output.WriteLine();
        foreach (var kind in plan.Blocks.GroupBy(b => b.Kind).OrderBy(k => k.Key))
            Line($"{kind.Key.ToString().ToLowerInvariant(),-10} {kind.Count(),4} blocks  {kind.Sum(b => b.Bytes),14:N0} bytes");
        long parameters = training.Variables.Where(v => v.Kind == VariableKind.Parameter).Sum(v => v.Type.Shape.Count);
        Line($"parameters {parameters:N0}");
        Line($"arena {plan.ArenaBytes:N0} bytes, largest sum of live bytes {plan.LiveBytes:N0}: {plan.ArenaBytes / (double)Math.Max(1, plan.LiveBytes):F3} of it");

        void Line(FormattableString text) => output.WriteLine("  " + text.ToString(CultureInfo.InvariantCulture));
    }
}
