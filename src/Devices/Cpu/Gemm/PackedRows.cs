namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Some rows of A, some steps of them, copied to where their lines do not drive one another out of the caches: rows or steps a power of two apart
/// share few places there. Whatever panel comes next reads them again.
/// </summary>
internal readonly unsafe struct PackedRows
{
    private const int Few = 2048;

    private readonly int size, pitch;

    /// <param name="rows">At most; 0: none is ever packed.</param>
    /// <param name="steps">At most.</param>
    public PackedRows(Matrix a, int rows, int steps, int size)
    {
        this.size = size;
        var (side, other, far) = a.ColumnStride == 1 ? (steps, rows, a.RowStride) : (rows, steps, a.ColumnStride);
        if (rows == 0 || far == 0 || (a.ColumnStride != 1 && a.RowStride != 1) || far * size % Few != 0)
            return;
        pitch = (int)Cache.OddLines(side * size) / size;
        Bytes = (long)pitch * other * size;
    }

    /// <summary>0: rows are read where they are.</summary>
    public long Bytes { get; }

    /// <summary>The rows from there on, packed if need be.</summary>
    public Matrix From(Matrix a, int row, int rows, nint step, int steps, byte* memory)
    {
        var there = a with { Address = (nint)a.At(row, step, size) };
        return Bytes == 0 ? there : Copy(there, rows, steps, memory, 0);
    }

    /// <summary>Copies rows behind so many steps that are there already. Where the rows are: of all steps.</summary>
    public Matrix Copy(Matrix from, int rows, int steps, byte* memory, int behind)
    {
        bool areRows = from.ColumnStride == 1;
        var (count, each, far) = areRows ? (rows, steps, from.RowStride) : (steps, rows, from.ColumnStride);
        var to = areRows ? new Matrix((nint)memory, pitch, 1) : new Matrix((nint)memory, 1, pitch);
        byte* target = to.At(0, behind, size);
        for (int i = 0; i < count; i++)
            Buffer.MemoryCopy((byte*)from.Address + i * far * size, target + (nint)i * pitch * size, each * size, each * size);
        return to;
    }
}
