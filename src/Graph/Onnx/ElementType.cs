namespace Singa.Actors.Graph.Onnx;

/// <summary>Element types by the numbers that ONNX gives them.</summary>
public enum ElementType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
    Float8E4M3FN = 17,
    Float8E4M3FNUZ = 18,
    Float8E5M2 = 19,
    Float8E5M2FNUZ = 20,
    UInt4 = 21,
    Int4 = 22,
    Float4E2M1 = 23,
    Float8E8M0 = 24,
    UInt2 = 25,
    Int2 = 26,
}

/// <summary>
/// What an element type is in files and in graphs. Graphs compute in the types that backends have; a narrower one is <em>stored</em> in a
/// wider one that holds each of its values exactly, and results are brought back to it by <see cref="Narrowing"/>. UInt64 is stored by its bits.
/// </summary>
public static class ElementTypes
{
    public static bool IsKnown(int type) => type is > (int)ElementType.Undefined and <= (int)ElementType.Int2;

    /// <summary>Bits of one element in a file; 0 for texts.</summary>
    public static int Bits(this ElementType type) => type switch
    {
        ElementType.Complex128 => 128,
        ElementType.Double or ElementType.Int64 or ElementType.UInt64 or ElementType.Complex64 => 64,
        ElementType.Float or ElementType.Int32 or ElementType.UInt32 => 32,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 16,
        ElementType.UInt4 or ElementType.Int4 or ElementType.Float4E2M1 => 4,
        ElementType.UInt2 or ElementType.Int2 => 2,
        ElementType.String or ElementType.Undefined => 0,
        _ => 8,
    };

    /// <summary>The type that stands for it in a graph.</summary>
    /// <exception cref="OnnxUnsupportedException">There is none.</exception>
    public static DType Storage(this ElementType type) => type switch
    {
        ElementType.Double => DType.Float64,
        ElementType.Int64 or ElementType.UInt64 or ElementType.UInt32 => DType.Int64,
        ElementType.Bool => DType.Bool,
        _ when type.IsFloat() => DType.Float32,
        _ when type.IsInteger() => DType.Int32,
        _ => throw new OnnxUnsupportedException($"elements of type {type.Name()} are not computed with"),
    };

    public static bool IsFloat(this ElementType type) =>
        type is ElementType.Float or ElementType.Double || type.Format() is not null;

    public static bool IsInteger(this ElementType type) => type.IsSigned() || type.IsUnsigned();

    public static bool IsSigned(this ElementType type) =>
        type is ElementType.Int2 or ElementType.Int4 or ElementType.Int8 or ElementType.Int16 or ElementType.Int32 or ElementType.Int64;

    public static bool IsUnsigned(this ElementType type) =>
        type is ElementType.UInt2 or ElementType.UInt4 or ElementType.UInt8 or ElementType.UInt16 or ElementType.UInt32 or ElementType.UInt64;

    /// <summary>The smallest and the largest value of an integer type; those of 64 bits rounded to a double.</summary>
    public static (double Low, double High) Range(this ElementType type) => type.IsSigned()
        ? (-Math.ScaleB(1, type.Bits() - 1), Math.ScaleB(1, type.Bits() - 1) - 1)
        : (0, Math.ScaleB(1, type.Bits()) - 1);

    /// <summary>The element type of a graph's tensor.</summary>
    public static ElementType Of(DType type) => type switch
    {
        DType.Float32 => ElementType.Float,
        DType.Float64 => ElementType.Double,
        DType.Int32 => ElementType.Int32,
        DType.Int64 => ElementType.Int64,
        DType.UInt8 => ElementType.UInt8,
        DType.BFloat16 => ElementType.BFloat16,
        _ => ElementType.Bool,
    };

    /// <summary>How a floating type of at most 16 bits is made up; null for all others.</summary>
    public static FloatFormat? Format(this ElementType type) => FloatFormat.Of(type);

    /// <summary>As in <c>float32</c>.</summary>
    public static string Name(this ElementType type) => type switch
    {
        ElementType.Float => "float32",
        ElementType.Double => "float64",
        _ => type.ToString().ToLowerInvariant(),
    };
}
