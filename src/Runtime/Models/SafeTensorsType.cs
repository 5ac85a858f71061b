using System.Runtime.InteropServices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;

namespace Singa.Actors.Runtime.Models;

/// <summary>
/// An element type of the format. Those that graphs have are read as they are, narrower ones as the type that stores their values exactly
/// (<see cref="ElementTypes.Storage"/>), complex numbers as pairs along a further axis of two.
/// </summary>
internal sealed record SafeTensorsType(string Name, int Bits, TensorReading Reading)
{
    private static readonly Dictionary<string, SafeTensorsType> Known = new SafeTensorsType[]
    {
        Same(DType.Bool), Same(DType.UInt8), Same(DType.Int32), Same(DType.Int64), Same(DType.Float32), Same(DType.Float64),
        Wider("I8", ElementType.Int8), Wider("I16", ElementType.Int16), Wider("U16", ElementType.UInt16), Wider("U32", ElementType.UInt32),
        new("U64", 64, new(shape => new TensorType(DType.Int64, shape), (raw, _) => Signed(raw))), Wider("F16", ElementType.Float16), Wider("BF16", ElementType.BFloat16),
        Wider("F8_E4M3", ElementType.Float8E4M3FN), Wider("F8_E5M2", ElementType.Float8E5M2), Wider("F8_E8M0", ElementType.Float8E8M0),
        Wider("F8_E4M3FNUZ", ElementType.Float8E4M3FNUZ), Wider("F8_E5M2FNUZ", ElementType.Float8E5M2FNUZ), Wider("F4", ElementType.Float4E2M1),
        Six("F6_E2M3", FloatFormat.Float6E2M3), Six("F6_E3M2", FloatFormat.Float6E3M2),
        new("C64", 64, new(shape => new TensorType(DType.Float32, shape.Append(2)), (raw, _) => raw)),
    }.ToDictionary(t => t.Name);

    private static readonly SafeTensorsType Half = Same(DType.BFloat16);

    public static IEnumerable<string> Names => Known.Keys.Order(StringComparer.Ordinal);

    public static SafeTensorsType? Find(string name) => Known.GetValueOrDefault(name);

    /// <summary>The elements as they are, where a graph can store them so.</summary>
    public TensorReading Stored => Name == Half.Name ? Half.Reading : Reading;

    /// <summary>Bytes that a tensor takes in the file; null where they are not whole.</summary>
    /// <exception cref="OverflowException"/>
    public long? Bytes(long elements) => checked(elements * Bits) is var bits && bits % 8 == 0 ? bits / 8 : null;

    private static SafeTensorsType Same(DType type) =>
        new(type.SafetensorsName(), 8 * type.Size(), new(shape => new TensorType(type, shape), (raw, _) => raw));

    private static SafeTensorsType Wider(string name, ElementType element) =>
        new(name, element.Bits(), new(shape => new TensorType(element.Storage(), shape), (raw, count) => Packing.Unpack(element, raw, count)));

    /// <exception cref="OverflowException">A number needs all 64 bits.</exception>
    private static ReadOnlyMemory<byte> Signed(ReadOnlyMemory<byte> raw)
    {
        foreach (long number in MemoryMarshal.Cast<byte, long>(raw.Span))
        {
            if (number < 0)
                throw new OverflowException();
        }

        return raw;
    }

    /// <summary>Six bits an element, packed from the lowest up.</summary>
    private static SafeTensorsType Six(string name, FloatFormat format) => new(name, format.Bits, new(shape => new TensorType(DType.Float32, shape), (raw, count) =>
    {
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            long bit = (long)i * format.Bits;
            int at = (int)(bit / 8), two = raw.Span[at] | (at + 1 < raw.Length ? raw.Span[at + 1] << 8 : 0);
            values[i] = format.Decode(two >> (int)(bit % 8) & ((1 << format.Bits) - 1));
        }

        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }));
}

/// <summary>What a tensor of a shape is read as, and its elements from the file's bytes.</summary>
internal sealed record TensorReading(Func<Shape, TensorType> Type, Func<ReadOnlyMemory<byte>, long, ReadOnlyMemory<byte>> Unpack);
