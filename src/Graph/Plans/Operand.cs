using System.Collections.Immutable;

namespace Singa.Actors.Graph.Plans;

/// <summary>
/// A strided window on a block: element (i0, i1, …) lies at <c>Offset + Σ i·stride</c>, in elements of <c>DType</c>.
/// A stride of 0 repeats (broadcasting).
/// </summary>
public sealed record Operand(int Block, DType DType, Shape Shape, ImmutableArray<long> Strides, long Offset)
{
    public static Operand Contiguous(int block, TensorType type, long offset = 0) =>
        new(block, type.DType, type.Shape, [.. type.Shape.ContiguousStrides()], offset);

    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Shape.Rank - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected)
                    return false;
                expected *= Shape[axis];
            }

            return true;
        }
    }

    public bool Equals(Operand? other) => other is not null && Block == other.Block && DType == other.DType && Offset == other.Offset
        && Shape == other.Shape && Strides.AsSpan().SequenceEqual(other.Strides.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Block, DType, Offset, Shape);
}
