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
            output.WriteLine($"  section {section.Name}: {section.Operations.Length} operations");
            var table = new TextTable("#", "kernel", "for", "writes", "reads");
            for (int i = 0; i < section.Operations.Length; i++)
            {
                var operation = section.Operations[i];
                table.Add(
                    i.ToString(CultureInfo.InvariantCulture), Form(operation.Kernel), operation.Name,
                    string.Join(", ", operation.Kernel.Outputs.Select(o => Text(o))), string.Join(", ", operation.Kernel.Inputs.Select(Text)));
            }

            table.Write(output, "    ");
        }

        WriteMemory(plan, training, output);
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

    private static string Form(Kernel kernel)
    {
        string form = kernel.GetType().Name.Replace("Kernel", "").ToLowerInvariant();
        return kernel switch
        {
            MapKernel map => $"{form} ×{map.Program.Instructions.Length}",
            ReduceKernel reduce => $"{reduce.Reduction.ToString().ToLowerInvariant()} over {string.Join(",", reduce.Axes)} ×{reduce.Program.Instructions.Length}",
            ContractKernel contract => form + Fused(contract.Epilogue) + Tree(contract.Tree.Length),
            ConvolveKernel convolve => $"{form} {convolve.Form.ToString().ToLowerInvariant()}" + Fused(convolve.Epilogue) + Tree(convolve.Tree.Length),
            MaxPoolKernel pool => pool.Gradient is not null ? $"{form} gradient" : pool.Tangent is not null ? $"{form} tangent" : form,
            SumPoolKernel pool => pool.Adjoint ? $"{form} adjoint" : form,
            ScatterAddKernel scatter => form + Tree(scatter.Tree[0].Count - 1),
            ExchangeKernel exchange => $"{form} {exchange.Bucket}",
            _ => form,
        };
    }

    private static string Fused(Epilogue? epilogue) => epilogue is null ? "" : $" + map ×{epilogue.Program.Instructions.Length}";

    private static string Tree(int ranges) => ranges == 0 ? "" : " + shard sum";

    private static string Text(Operand operand) =>
        $"b{operand.Block} {operand.DType.ToString().ToLowerInvariant()}{operand.Shape}{(operand.IsContiguous ? "" : "~")}";
}
