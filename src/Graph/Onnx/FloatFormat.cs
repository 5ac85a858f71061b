namespace Singa.Actors.Graph.Onnx;

/// <summary>
/// A small floating type: sign (unless <c>unsigned</c>), exponent, mantissa. <c>infinite</c>: the highest exponent means infinity and NaN as in
/// IEEE 754; <c>finite</c>: only the highest code is NaN; <c>unsignedZero</c>: the code of −0 is NaN and there is no other special value;
/// none of them: every code is a number. Sources: ONNX's "Float stored in 8 bits" and the OCP microscaling formats.
/// </summary>
public sealed class FloatFormat(
    int exponentBits, int mantissaBits, int bias, bool infinite = false, bool finite = false, bool unsignedZero = false, bool unsigned = false)
{
    private static readonly Dictionary<ElementType, FloatFormat> Known = new()
    {
        [ElementType.Float16] = new(5, 10, 15, infinite: true),
        [ElementType.BFloat16] = new(8, 7, 127, infinite: true),
        [ElementType.Float8E4M3FN] = new(4, 3, 7, finite: true),
        [ElementType.Float8E4M3FNUZ] = new(4, 3, 8, unsignedZero: true),
        [ElementType.Float8E5M2] = new(5, 2, 15, infinite: true),
        [ElementType.Float8E5M2FNUZ] = new(5, 2, 16, unsignedZero: true),
        [ElementType.Float4E2M1] = new(2, 1, 1),
        [ElementType.Float8E8M0] = new(8, 0, 127, finite: true, unsigned: true),
    };

    /// <summary>Formats of six bits, which ONNX does not have.</summary>
    public static readonly FloatFormat Float6E2M3 = new(2, 3, 1), Float6E3M2 = new(3, 2, 3);

    private Dictionary<float, int>? codes;
    private float? largest;

    public static FloatFormat? Of(ElementType type) => Known.GetValueOrDefault(type);

    public int Bits => exponentBits + mantissaBits + (unsigned ? 0 : 1);

    public int MantissaBits => mantissaBits;

    /// <summary>Whether too large a number has an infinity to become.</summary>
    public bool HasInfinity => infinite;

    /// <summary>The exponent of the smallest normal number.</summary>
    public int SmallestExponent => unsigned ? -bias : 1 - bias;

    /// <summary>The largest finite number.</summary>
    public float Largest => largest ??= Enumerable.Range(0, 1 << (Bits - (unsigned ? 0 : 1))).Select(Decode).Where(float.IsFinite).Max();

    public bool HasNaN => infinite || finite || unsignedZero;

    /// <summary>The number that a code means, exact in float32.</summary>
    public float Decode(int code)
    {
        int magnitude = unsigned ? code : code & ((1 << (Bits - 1)) - 1), top = (1 << exponentBits) - 1;
        bool negative = !unsigned && code >> (Bits - 1) != 0;
        int exponent = magnitude >> mantissaBits, mantissa = magnitude & ((1 << mantissaBits) - 1);
        if (unsignedZero && negative && magnitude == 0)
            return float.NaN;
        if (infinite && exponent == top)
            return mantissa != 0 ? float.NaN : negative ? float.NegativeInfinity : float.PositiveInfinity;
        if (finite && exponent == top && mantissa == (1 << mantissaBits) - 1)
            return float.NaN;
        double value = unsigned ? Math.ScaleB(1, exponent - bias)
            : exponent == 0 ? Math.ScaleB(mantissa, SmallestExponent - mantissaBits)
            : Math.ScaleB((1 << mantissaBits) + mantissa, exponent - bias - mantissaBits);
        return (float)(negative ? -value : value);
    }

    /// <summary>The code of a number that the type holds; of another one, that of the nearest towards zero.</summary>
    public int Encode(float value)
    {
        if (this == Known[ElementType.BFloat16])
            return float.IsNaN(value) ? 0x7FC0 : (int)(BitConverter.SingleToUInt32Bits(value) >> 16);
        if (this == Known[ElementType.Float16])
            return BitConverter.HalfToUInt16Bits((Half)value);
        if (float.IsNaN(value))
            return HasNaN ? Enumerable.Range(0, 1 << Bits).First(c => float.IsNaN(Decode(c))) : 0;
        if (value == 0)
            return !float.IsNegative(value) || unsignedZero || unsigned ? 0 : 1 << (Bits - 1);
        codes ??= Enumerable.Range(0, 1 << Bits).Where(c => !float.IsNaN(Decode(c)) && Decode(c) != 0).ToDictionary(Decode);
        return codes.TryGetValue(value, out int code) ? code
            : codes.Where(c => Math.Abs(c.Key) <= Math.Abs(value) && c.Key < 0 == value < 0).MaxBy(c => Math.Abs(c.Key)).Value;
    }
}
