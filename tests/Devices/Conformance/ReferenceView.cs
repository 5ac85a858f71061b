using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Bytes of the reference device.</summary>
public sealed class ReferenceMemory(long bytes) : DeviceMemory(bytes)
{
    public byte[] Data { get; } = GC.AllocateArray<byte>((int)Math.Max(1, bytes), pinned: true);

    public override unsafe nint HostAddress => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref Data[0]);
}

/// <summary>An operand's elements by their indices; bounds are checked.</summary>
public sealed class ReferenceView(Operand operand, IReadOnlyList<BlockAddress> blocks)
{
    private readonly byte[] data = ((ReferenceMemory)blocks[operand.Block].Memory).Data;
    private readonly long start = blocks[operand.Block].Offset;

    public DType Type => operand.DType;

    public Shape Shape => operand.Shape;

    public Value this[params long[] index]
    {
        get
        {
            var at = At(index);
            return Type switch
            {
                DType.Float32 => Value.Float(Type, MemoryMarshal.Read<float>(at)),
                DType.Float64 => Value.Float(Type, MemoryMarshal.Read<double>(at)),
                DType.BFloat16 => Value.Float(Type, BFloat16.ToSingle(MemoryMarshal.Read<ushort>(at))),
                DType.Int32 => Value.Int(Type, MemoryMarshal.Read<int>(at)),
                DType.Int64 => Value.Int(Type, MemoryMarshal.Read<long>(at)),
                _ => Value.Int(Type, at[0]),
            };
        }
        set
        {
            if (value.Type != Type)
                throw new ArgumentException($"a {value.Type} cannot be stored as {Type}");
            var at = At(index);
            switch (Type)
            {
                case DType.Float32: MemoryMarshal.Write(at, (float)value.Number); break;
                case DType.BFloat16: MemoryMarshal.Write(at, BFloat16.FromSingle((float)value.Number)); break;
                case DType.Float64: MemoryMarshal.Write(at, value.Number); break;
                case DType.Int32: MemoryMarshal.Write(at, (int)value.Integer); break;
                case DType.Int64: MemoryMarshal.Write(at, value.Integer); break;
                default: at[0] = (byte)value.Integer; break;
            }
        }
    }

    /// <summary>All indices of a shape, row by row.</summary>
    public static IEnumerable<long[]> Indices(Shape shape)
    {
        for (long flat = 0, count = shape.Count; flat < count; flat++)
            yield return Unflatten(flat, shape);
    }

    public static long[] Unflatten(long flat, Shape shape)
    {
        var index = new long[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            index[axis] = flat % shape[axis];
            flat /= shape[axis];
        }

        return index;
    }

    private Span<byte> At(long[] index)
    {
        if (index.Length != operand.Shape.Rank)
            throw new ArgumentException($"{index.Length} indices for {operand.Shape}");
        long element = operand.Offset;
        for (int axis = 0; axis < index.Length; axis++)
        {
            if (index[axis] < 0 || index[axis] >= operand.Shape[axis])
                throw new ArgumentOutOfRangeException(nameof(index), $"index {index[axis]} of axis {axis} of {operand.Shape}");
            element += index[axis] * operand.Strides[axis];
        }

        int size = operand.DType.Size();
        return data.AsSpan(checked((int)(start + element * size)), size);
    }
}
