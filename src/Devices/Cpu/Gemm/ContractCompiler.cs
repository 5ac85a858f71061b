using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

internal static unsafe class ContractCompiler
{
    public static CompiledKernel Compile(ContractKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        nint Address(Operand operand) => (nint)CpuKernel.Address(operand, blocks);
        long side = Math.Max(kernel.Target.Shape[^2], kernel.Target.Shape[^1]), steps = kernel.Left.Shape[^1];
        // One shard is a product like any other; a long k is better summed as shards are, in scratch that is written to the target once, unless panels would
        // be packed again for further rows.
        bool isLong = steps is > 2 * Tiling.StepsMost and <= int.MaxValue && side <= context.ProductSideMax
            && Math.Min(kernel.Target.Shape[^2], kernel.Target.Shape[^1]) <= new Tiling(kernel.Target.DType, context.Width).RowsAtOnce;
        if (kernel.Tree is [{ First: 0, Count: 1 }] && !isLong)
            kernel = new ContractKernel(Operands.Row(kernel.Left, 0), Operands.Row(kernel.Right, 0), Operands.Row(kernel.Target, 0), [],
                kernel.Rounded ? new Epilogue(Programs.Round, []) : null);
        if (!kernel.Tree.IsEmpty)
            return new CpuShardContract(kernel, context, Address);
        if (context.KeepsWeights && CpuRowProduct.Of(kernel, context, Address) is null && side <= context.ProductSideMax
            && CpuContract.Keeping(kernel, block => blocks[block].Resting, context, Address) is { } keeping)
            return keeping;
        int rank = kernel.Target.Shape.Rank;
        var pieces = Pieces(kernel, rank - 2, context.ProductSideMax).SelectMany(rows => Pieces(rows, rank - 1, context.ProductSideMax));
        CpuKernel[] kernels = [.. pieces.Select(piece => CpuRowProduct.Of(piece, context, Address) ?? (CpuKernel)CpuContract.Of(piece, context, Address))];
        return kernels.Length == 1 ? kernels[0] : new CpuSequence(kernels);
    }

    /// <summary>The product cut along the target's rows or columns: no element's sum knows of the others.</summary>
    private static IEnumerable<ContractKernel> Pieces(ContractKernel kernel, int axis, long longest)
    {
        long size = kernel.Target.Shape[axis];
        if (size <= longest)
            return [kernel];
        bool rows = axis == kernel.Target.Shape.Rank - 2;
        return Enumerable.Range(0, (int)((size + longest - 1) / longest)).Select(i =>
        {
            long first = i * longest, count = Math.Min(longest, size - first);
            Operand Part(Operand of) => of with { Shape = of.Shape.With(axis, count), Offset = of.Offset + first * of.Strides[axis] };
            return kernel with
            {
                Left = rows ? Part(kernel.Left) : kernel.Left,
                Right = rows ? kernel.Right : Part(kernel.Right),
                Target = Part(kernel.Target),
                Epilogue = kernel.Epilogue is { } epilogue ? epilogue with { Sources = [.. epilogue.Sources.Select(Part)] } : null,
            };
        });
    }
}
