namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>A matrix somewhere in memory; strides in elements.</summary>
internal readonly unsafe record struct Matrix(nint Address, nint RowStride, nint ColumnStride)
{
    public Matrix Transposed => new(Address, ColumnStride, RowStride);

    public byte* At(nint row, nint column, int size) => (byte*)Address + (row * RowStride + column * ColumnStride) * size;

    public Matrix Shifted(nint elements, int size) => this with { Address = Address + elements * size };
}
