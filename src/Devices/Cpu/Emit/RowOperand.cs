using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>How one source or target lies along a row.</summary>
internal sealed record RowOperand(int Index, DType DType, long Stride, bool IsTarget)
{
    public int Size => DType.Size();

    /// <summary>Elements are the upper halves of the floats in the lanes.</summary>
    public bool IsHalf => DType == DType.BFloat16;

    /// <summary>One element for the whole row.</summary>
    public bool IsRepeated => Stride == 0 && !IsTarget;

    /// <summary>Vectors load and store it where it lies.</summary>
    public bool IsDirect => Stride == 1 && Size > 1;
}
