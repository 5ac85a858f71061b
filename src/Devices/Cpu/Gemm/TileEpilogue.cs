using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>A kernel's epilogue, applied to rows of a finished tile while they are in the cache.</summary>
internal sealed unsafe class TileEpilogue
{
    private readonly RowsDelegate function;
    private readonly Matrix[] sources;
    private readonly int[] sizes;
    private readonly nint[] steps;
    private readonly bool[] areFar;

    /// <param name="swapped">Whether rows of the tile are columns of the target.</param>
    public TileEpilogue(Epilogue epilogue, bool swapped, CpuContext context, Func<Operand, nint> address)
    {
        sources = [.. epilogue.Sources.Select(s => Product.Matrix(s, address)).Select(s => swapped ? s.Transposed : s)];
        sizes = [.. epilogue.Sources.Select(s => Graph.DTypes.Size(s.DType))];
        steps = [.. sources.Select((s, i) => s.RowStride * sizes[i])];
        areFar = [.. epilogue.Sources.Select((s, i) => sources[i].ColumnStride == 1 && Cache.IsFar(s.Shape[swapped ? ^1 : ^2] * Math.Abs(steps[i])))];
        function = context.Rows.Rows(epilogue.Program, [1, .. sources.Select(s => (long)s.ColumnStride), 1]);
    }

    /// <summary>For a target [n, c, h, w], seen as one matrix a sample: channels by pixels. Also where each sample's part of the sources begins.</summary>
    public static (TileEpilogue Epilogue, nint[][] Shifts) OfPlanes(Epilogue epilogue, int samples, CpuContext context, Func<Operand, nint> address)
    {
        var planes = epilogue with { Sources = [.. epilogue.Sources.Select(AsMatrices)] };
        return (new TileEpilogue(planes, swapped: false, context, address),
            [.. Enumerable.Range(0, samples).Select(n => epilogue.Sources.Select(s => (nint)Shift(s, n)).ToArray())]);

        static Operand AsMatrices(Operand source) => source with
        {
            Shape = Graph.Shape.Of(source.Shape[^3], source.Shape[^2] * source.Shape[^1]),
            // Pixels of one column follow one another by rows; an axis of length 1 may have any stride.
            Strides = [source.Strides[^3], source.Shape[^1] == 1 ? source.Strides[^2] : source.Strides[^1]],
        };

        // Samples are one axis, or two: shards and each one's samples.
        static long Shift(Operand source, int sample) => source.Shape.Rank == 4 ? sample * source.Strides[0]
            : sample / source.Shape[1] * source.Strides[0] + sample % source.Shape[1] * source.Strides[1];
    }

    /// <summary>Has what <see cref="Apply"/> will read fetched while the tile is computed.</summary>
    public void Fetch(int rows, int columns, int row, int column, ReadOnlySpan<nint> shifts)
    {
        for (int s = 0; s < areFar.Length; s++)
        {
            if (areFar[s])
                Cache.Fetch(sources[s].Shifted(shifts[s], sizes[s]).At(row, column, sizes[s]), steps[s], rows, columns * sizes[s]);
        }
    }

    /// <summary>Rows of <paramref name="tile"/>, whose first element is (row, column) of the target's matrix of this batch, where they are.</summary>
    /// <param name="shifts">Of each source, in elements, for this batch.</param>
    public void Apply(byte* tile, nint rowBytes, int rows, int columns, int row, int column, ReadOnlySpan<nint> shifts) =>
        Apply(tile, rowBytes, tile, rowBytes, rows, columns, row, column, shifts);

    /// <summary>The same with results elsewhere.</summary>
    public void Apply(byte* tile, nint rowBytes, byte* target, nint targetRowBytes, int rows, int columns, int row, int column, ReadOnlySpan<nint> shifts)
    {
        int last = sources.Length + 1;
        void** pointers = stackalloc void*[last + 1];
        nint* bytes = stackalloc nint[last + 1];
        pointers[0] = tile;
        bytes[0] = rowBytes;
        pointers[last] = target;
        bytes[last] = targetRowBytes;
        for (int s = 0; s < sources.Length; s++)
        {
            pointers[s + 1] = sources[s].Shifted(shifts[s], sizes[s]).At(row, column, sizes[s]);
            bytes[s + 1] = steps[s];
        }

        function(pointers, columns, bytes, rows);
    }
}
