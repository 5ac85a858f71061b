using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Singa.Actors.Graph.Onnx;

/// <summary>Between elements as files have them (little-endian, those below a byte packed from the lowest bits up) and as graphs store them.</summary>
public static class Packing
{
    /// <summary>Bytes that elements take in a file.</summary>
    public static long Bytes(ElementType element, long count) => (count * element.Bits() + 7) / 8;

    public static ReadOnlyMemory<byte> Unpack(ElementType element, ReadOnlyMemory<byte> raw, long count)
    {
        switch (element)
        {
            case ElementType.Float or ElementType.Double or ElementType.Int32 or ElementType.Int64 or ElementType.UInt64:
                return raw;
            case ElementType.Bool:
                return raw.ToArray().Select(b => (byte)(b == 0 ? 0 : 1)).ToArray();
            case ElementType.UInt32:
                return Fill<long>(count, i => BinaryPrimitives.ReadUInt32LittleEndian(raw.Span[(i * 4)..]));
        }

        if (element.Format() is { } format)
            return Fill(count, i => format.Decode(Code(raw.Span, element, i)));
        int bits = element.Bits(), shift = element.IsSigned() ? 32 - bits : 0;
        return Fill(count, i => Code(raw.Span, element, i) << shift >> shift);
    }

    /// <param name="stored">Elements as a graph stores them; only values that the type has.</param>
    public static byte[] Pack(ElementType element, ReadOnlySpan<byte> stored, long count)
    {
        switch (element)
        {
            case ElementType.Float or ElementType.Double or ElementType.Int32 or ElementType.Int64 or ElementType.UInt64 or ElementType.Bool:
                return stored.ToArray();
            case ElementType.UInt32:
                return MemoryMarshal.AsBytes(MemoryMarshal.Cast<byte, long>(stored).ToArray().Select(v => (uint)v).ToArray().AsSpan()).ToArray();
        }

        var raw = new byte[Bytes(element, count)];
        if (element.Format() is { } format)
        {
            var values = MemoryMarshal.Cast<byte, float>(stored);
            for (int i = 0; i < count; i++)
                Put(raw, element, i, format.Encode(values[i]));
            return raw;
        }

        var integers = MemoryMarshal.Cast<byte, int>(stored);
        for (int i = 0; i < count; i++)
            Put(raw, element, i, integers[i]);
        return raw;
    }

    private static byte[] Fill<T>(long count, Func<int, T> value) where T : unmanaged
    {
        var values = new T[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = value(i);
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    private static int Code(ReadOnlySpan<byte> raw, ElementType element, int index)
    {
        int bits = element.Bits();
        return bits switch
        {
            16 => BinaryPrimitives.ReadUInt16LittleEndian(raw[(index * 2)..]),
            8 => raw[index],
            _ => raw[(int)((long)index * bits / 8)] >> (int)((long)index * bits % 8) & ((1 << bits) - 1),
        };
    }

    private static void Put(Span<byte> raw, ElementType element, int index, int code)
    {
        int bits = element.Bits();
        if (bits == 16)
            BinaryPrimitives.WriteUInt16LittleEndian(raw[(index * 2)..], (ushort)code);
        else if (bits == 8)
            raw[index] = (byte)code;
        else
            raw[index * bits / 8] |= (byte)((code & ((1 << bits) - 1)) << (index * bits % 8));
    }
}
