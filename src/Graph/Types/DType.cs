namespace Singa.Actors.Graph;

/// <summary>The type of one element.</summary>
public enum DType : byte
{
    Float32,
    Float64,
    Int32,
    Int64,
    UInt8,
    Bool,

    /// <summary>
    /// The upper half of a Float32: for storage alone. Nothing is computed in it; values are widened where they are read and rounded where they
    /// are stored (<see cref="BFloat16"/>).
    /// </summary>
    BFloat16,
}

public static class DTypes
{
    public static int Size(this DType type) => type switch
    {
        DType.Float64 or DType.Int64 => 8,
        DType.Float32 or DType.Int32 => 4,
        DType.BFloat16 => 2,
        DType.UInt8 or DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type"),
    };

    /// <summary>Whether numbers of the type are computed with as floating ones.</summary>
    public static bool IsFloat(this DType type) => type is DType.Float32 or DType.Float64;

    /// <summary>The name the safetensors format gives the type.</summary>
    public static string SafetensorsName(this DType type) => type switch
    {
        DType.Float32 => "F32",
        DType.Float64 => "F64",
        DType.Int32 => "I32",
        DType.Int64 => "I64",
        DType.UInt8 => "U8",
        DType.Bool => "BOOL",
        DType.BFloat16 => "BF16",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type"),
    };

    /// <summary>The type in whose numbers values of a type are computed with.</summary>
    public static DType Computed(this DType type) => type == DType.BFloat16 ? DType.Float32 : type;

    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : typeof(T) == typeof(int) ? DType.Int32
        : typeof(T) == typeof(long) ? DType.Int64
        : typeof(T) == typeof(byte) ? DType.UInt8
        : typeof(T) == typeof(bool) ? DType.Bool
        : throw NoElement(typeof(T));

    /// <summary>Whether a tensor of the type holds exactly this number (a floating one: its nearest).</summary>
    public static bool Holds(this DType type, double value) => type switch
    {
        DType.Float32 or DType.Float64 or DType.BFloat16 => true,
        DType.Bool => value is 0 or 1,
        DType.UInt8 => value is >= 0 and <= byte.MaxValue && value == Math.Floor(value),
        DType.Int32 => value is >= int.MinValue and <= int.MaxValue && value == Math.Floor(value),
        _ => Math.Abs(value) <= 1L << 53 && value == Math.Floor(value),
    };

    internal static GraphException NoElement(Type type) =>
        new($"a tensor's elements are float, double, int, long, byte or bool, not {type.Name}");
}
