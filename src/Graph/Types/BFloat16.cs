namespace Singa.Actors.Graph;

/// <summary>
/// Between float32 and its upper half: 8 bits of exponent as there, 8 of precision. Rounding is to nearest, ties to even, subnormals as all
/// others, beyond the largest to infinity; a NaN stays one.
/// </summary>
public static class BFloat16
{
    private const int Shift = 16;
    private const uint Upper = 0xFFFF_0000, BelowHalf = 0x7FFF, Quiet = 0x0040_0000;

    /// <summary>The nearest value that a BFloat16 holds.</summary>
    public static float Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((float.IsNaN(value) ? bits | Quiet : bits + BelowHalf + ((bits >> Shift) & 1)) & Upper);
    }

    /// <summary>The element that holds the nearest value.</summary>
    public static ushort FromSingle(float value) => (ushort)(BitConverter.SingleToUInt32Bits(Round(value)) >> Shift);

    public static float ToSingle(ushort element) => BitConverter.UInt32BitsToSingle((uint)element << Shift);
}
