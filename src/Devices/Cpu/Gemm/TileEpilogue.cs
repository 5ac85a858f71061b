using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>A kernel's epilogue, applied to rows of a finished tile while they are in the cache.</summary>
internal sealed unsafe class TileEpilogue
{
    private readonly RowDelegate function;
    private readonly Matrix[] sources;
    private readonly int[] sizes;

    /// <param name="swapped">Whether rows of the tile are columns of the target.</param>
    public TileEpilogue(Epilogue epilogue, bool swapped, CpuContext context, Func<Operand, nint> address)
    {
        sources = [.. epilogue.Sources.Select(s => Product.Matrix(s, address)).Select(s => swapped ? s.Transposed : s)];
        sizes = [.. epilogue.Sources.Select(s => Graph.DTypes.Size(s.DType))];
        function = context.Rows.Row(epilogue.Program, [1, .. sources.Select(s => (long)s.ColumnStride), 1]);
    }

    /// <summary>Rows of <paramref name="tile"/>, whose first element is (row, column) of the target's matrix of this batch.</summary>
    /// <param name="shifts">Of each source, in elements, for this batch.</param>
    public void Apply(byte* tile, nint rowBytes, int rows, int columns, int row, int column, ReadOnlySpan<nint> shifts)
    {
        void** pointers = stackalloc void*[sources.Length + 2];
        for (int i = 0; i < rows; i++)
        {
            pointers[0] = pointers[sources.Length + 1] = tile + i * rowBytes;
            for (int s = 0; s < sources.Length; s++)
                pointers[s + 1] = sources[s].Shifted(shifts[s], sizes[s]).At(row + i, column, sizes[s]);
            function(pointers, columns);
        }
    }
}
