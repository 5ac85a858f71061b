using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Cli;

/// <summary>Kernels and operands in a few words.</summary>
internal static class KernelText
{
    public static string Form(Kernel kernel)
    {
        string form = Name(kernel);
        return kernel switch
        {
            MapKernel map => $"{form} ×{map.Program.Instructions.Length}",
            ReduceKernel reduce => $"{reduce.Reduction.ToString().ToLowerInvariant()} over {string.Join(",", reduce.Axes)} ×{reduce.Program.Instructions.Length}",
            JoinedKernel joined => $"{form} of {joined.Links.Length} ×{joined.Links.Sum(l => l.Kernel is MapKernel map ? map.Program.Instructions.Length : ((ReduceKernel)l.Kernel).Program.Instructions.Length)}",
            ContractKernel contract => form + Fused(contract.Epilogue) + Tree(contract.Tree.Length),
            ConvolveKernel convolve => $"{form} {convolve.Form.ToString().ToLowerInvariant()}" + Fused(convolve.Epilogue) + Tree(convolve.Tree.Length),
            MaxPoolKernel pool => pool.Gradient is not null ? $"{form} gradient" : pool.Tangent is not null ? $"{form} tangent" : form,
            SumPoolKernel pool => pool.Adjoint ? $"{form} adjoint" : form,
            ScatterAddKernel scatter => form + Tree(scatter.Tree[0].Count - 1),
            ExchangeKernel exchange => $"{form} {exchange.Bucket}",
            _ => form,
        };
    }

    /// <summary>The form alone, as in <c>contract</c>.</summary>
    public static string Name(Kernel kernel) => kernel.GetType().Name.Replace("Kernel", "").ToLowerInvariant();

    public static string Of(Operand operand) => $"b{operand.Block} {Type(operand)}";

    /// <summary>As in <c>float32[64, 10]~</c>, with a ~ where it is a strided window.</summary>
    public static string Type(Operand operand) => $"{operand.DType.ToString().ToLowerInvariant()}{operand.Shape}{(operand.IsContiguous ? "" : "~")}";

    private static string Fused(Epilogue? epilogue) => epilogue is null ? "" : $" + map ×{epilogue.Program.Instructions.Length}";

    private static string Tree(int ranges) => ranges == 0 ? "" : " + shard sum";
}
