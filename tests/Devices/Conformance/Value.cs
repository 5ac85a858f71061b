using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>One element of any type: a floating number in <c>Number</c> (a float32 exactly), anything else in <c>Integer</c>.</summary>
public readonly record struct Value(DType Type, double Number, long Integer)
{
    public static Value Float(DType type, double number) => new(type, type switch
    {
        DType.Float32 => (float)number,
        DType.BFloat16 => BFloat16.Round((float)number),
        _ => number,
    }, 0);

    /// <summary>Whether the value is in <c>Number</c>.</summary>
    public static bool IsNumber(DType type) => type.Computed().IsFloat();

    public Value Rounded() => Type == DType.Float32 ? Float(Type, BFloat16.Round((float)Number)) : throw new InvalidOperationException($"{Type} is not rounded");

    public static Value Int(DType type, long integer) => new(type, 0, type switch
    {
        DType.Int32 => (int)integer,
        DType.UInt8 => (byte)integer,
        DType.Bool => integer != 0 ? 1 : 0,
        _ => integer,
    });

    public static Value Of(bool truth) => new(DType.Bool, 0, truth ? 1 : 0);

    public static Value Zero(DType type) => new(type, 0, 0);

    public bool IsTrue => Integer != 0;

    public static Value operator +(Value a, Value b) => a.Type switch
    {
        DType.Float32 => Float(a.Type, (float)a.Number + (float)b.Number),
        DType.Float64 => Float(a.Type, a.Number + b.Number),
        _ => Int(a.Type, unchecked(a.Integer + b.Integer)),
    };

    public static Value operator -(Value a, Value b) => a.Type switch
    {
        DType.Float32 => Float(a.Type, (float)a.Number - (float)b.Number),
        DType.Float64 => Float(a.Type, a.Number - b.Number),
        _ => Int(a.Type, unchecked(a.Integer - b.Integer)),
    };

    public static Value operator *(Value a, Value b) => a.Type switch
    {
        DType.Float32 => Float(a.Type, (float)a.Number * (float)b.Number),
        DType.Float64 => Float(a.Type, a.Number * b.Number),
        _ => Int(a.Type, unchecked(a.Integer * b.Integer)),
    };

    public static Value operator /(Value a, Value b) => a.Type switch
    {
        DType.Float32 => Float(a.Type, (float)a.Number / (float)b.Number),
        DType.Float64 => Float(a.Type, a.Number / b.Number),
        _ => Int(a.Type, a.Integer / b.Integer),
    };

    public static Value Fma(Value a, Value b, Value c) => a.Type == DType.Float32
        ? Float(a.Type, MathF.FusedMultiplyAdd((float)a.Number, (float)b.Number, (float)c.Number))
        : Float(a.Type, Math.FusedMultiplyAdd(a.Number, b.Number, c.Number));

    public static Value Maximum(Value a, Value b) => a.Type.IsFloat()
        ? Float(a.Type, Math.Max(a.Number, b.Number))
        : Int(a.Type, Math.Max(a.Integer, b.Integer));

    public static Value Minimum(Value a, Value b) => a.Type.IsFloat()
        ? Float(a.Type, Math.Min(a.Number, b.Number))
        : Int(a.Type, Math.Min(a.Integer, b.Integer));

    public static bool Less(Value a, Value b) => a.Type.IsFloat() ? a.Number < b.Number : a.Integer < b.Integer;

    public static bool Same(Value a, Value b) => a.Type.IsFloat() ? a.Number == b.Number : a.Integer == b.Integer;
}
