using Singa.Actors.Devices.Cpu.Kernels;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// A (batched) product of a single row and a matrix whose columns lie side by side, as an answer to one sample is. Every element of the matrix
/// is used once, so nothing is packed. A part is some columns.
/// </summary>
internal sealed unsafe class CpuRowProduct : CpuKernel
{
    private const int StepsMin = 64;

    private readonly Product product;
    private readonly int groups, batches;
    private readonly nint[] rowOffsets, matrixOffsets, targetOffsets;
    private readonly nint[][] epilogueOffsets;
    private readonly TileEpilogue? epilogue;
    private readonly RowKernelDelegate kernel;

    private CpuRowProduct(ContractKernel contract, Product product, bool swapped, CpuContext context, Func<Operand, nint> address)
    {
        this.product = product;
        kernel = RowKernel.Get(context.Width);
        groups = (product.N + RowKernel.Columns - 1) / RowKernel.Columns;
        batches = Batches.Count(contract.Target.Shape, 0);
        (rowOffsets, matrixOffsets, targetOffsets) = (
            Batches.Offsets(swapped ? contract.Right : contract.Left, 0), Batches.Offsets(swapped ? contract.Left : contract.Right, 0), Batches.Offsets(contract.Target, 0));
        epilogueOffsets = Batches.Offsets(contract.Epilogue, batches);
        epilogue = contract.Epilogue is null ? null : new TileEpilogue(contract.Epilogue, swapped, context, address);
    }

    /// <summary>Null where the product is none of this kind.</summary>
    public static CpuRowProduct? Of(ContractKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        if (kernel.Target.DType != DType.Float32 || !RowKernel.IsSupported(context.Width))
            return null;
        var product = Product.Of(kernel.Left, kernel.Right, kernel.Target, address);
        bool swapped = product.M != 1;
        if (swapped)
            product = product.Swapped;
        return product is { M: 1, N: >= RowKernel.Steps, K: >= StepsMin, A.ColumnStride: 1, B: { RowStride: 1, ColumnStride: > 1 } } ? new CpuRowProduct(kernel, product, swapped, context, address) : null;
    }

    public override int Parts(int threads) => (double)product.N * product.K * batches < Work.MultiplyAddsMin ? 1 : (int)Math.Min((long)batches * groups, threads * 8);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share((long)batches * groups, 1, part, parts);
        for (long unit = first; unit < end; unit++)
            Columns((int)(unit / groups), (int)(unit % groups) * RowKernel.Columns);
    }

    private void Columns(int batch, int column)
    {
        const int size = sizeof(float);
        nint* columns = stackalloc nint[RowKernel.Columns];
        float* sums = stackalloc float[RowKernel.Columns], total = stackalloc float[RowKernel.Columns];
        var matrix = product.B.Shifted(matrixOffsets[batch], size);
        int count = Math.Min(RowKernel.Columns, product.N - column);
        for (int j = 0; j < RowKernel.Columns; j++)
            // Those beyond the last are computed with it and left out.
            columns[j] = (nint)matrix.At(0, column + Math.Min(j, count - 1), size);
        float* row = (float*)product.A.Shifted(rowOffsets[batch], size).Address;
        for (long step = 0; step < product.K; step += ContractKernel.BlockLength)
        {
            int steps = (int)Math.Min(ContractKernel.BlockLength, product.K - step);
            new Span<float>(sums, RowKernel.Columns).Clear();
            kernel(row, columns, sums, steps / RowKernel.Steps);
            for (int k = steps / RowKernel.Steps * RowKernel.Steps; k < steps; k++)
            {
                for (int j = 0; j < RowKernel.Columns; j++)
                    sums[j] = float.FusedMultiplyAdd(row[k], ((float*)columns[j])[k], sums[j]);
            }

            for (int j = 0; j < RowKernel.Columns; j++)
            {
                total[j] = step == 0 ? sums[j] : total[j] + sums[j];
                columns[j] += steps * size;
            }

            row += steps;
        }

        epilogue?.Apply((byte*)total, 0, 1, count, 0, column, epilogueOffsets[batch]);
        TileCopy.Store(product.C.Shifted(targetOffsets[batch], size), 0, column, 1, count, RowKernel.Columns, size, (byte*)total);
    }
}
