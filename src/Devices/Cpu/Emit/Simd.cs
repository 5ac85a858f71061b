using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// Writes the operations on values of one element type in one width (or in single, "scalar" lanes) as IL: everything a method
/// here pops and pushes is a value of <see cref="Value"/>. The scalar lane gives the same bits as the vectors.
/// A comparison gives a mask: a value of <see cref="Mask"/>, all bits set where true (scalar: 0 or 1 on the stack).
/// </summary>
public sealed class Simd
{
    // By width (0: scalar) and type; made twice by two threads does no harm.
    private static readonly Simd?[] Known = new Simd?[5 * 4];

    private readonly Type? container;
    private readonly Dictionary<string, MethodInfo> methods = [];

    private Simd(DType type, VectorWidth? width)
    {
        (DType, Width) = (type, width);
        Element = type switch
        {
            DType.Float32 => typeof(float),
            DType.Float64 => typeof(double),
            DType.Int32 => typeof(int),
            DType.Int64 => typeof(long),
            _ => throw new ArgumentException($"{type} has no lanes"),
        };
        container = width switch
        {
            null => null,
            VectorWidth.V128 => typeof(Vector128),
            VectorWidth.V256 => typeof(Vector256),
            _ => typeof(Vector512),
        };
        Value = VectorOf(Element) ?? Element;
        Lanes = width is { } bytes ? (int)bytes / type.Size() : 1;
    }

    public DType DType { get; }

    /// <summary>Null: scalar lanes.</summary>
    public VectorWidth? Width { get; }

    public int Lanes { get; }

    /// <summary>Bytes of one value.</summary>
    public int Bytes => Lanes * DType.Size();

    /// <summary>float, double, int or long.</summary>
    public Type Element { get; }

    /// <summary>Vector512 of the element and so on; the element itself for scalar lanes.</summary>
    public Type Value { get; }

    /// <summary>The same lanes as integers: what masks are made of.</summary>
    public Simd Integer => Of(DType.Size() == 4 ? DType.Int32 : DType.Int64, Width);

    /// <summary>The same lanes as floating numbers.</summary>
    public Simd Floating => Of(DType.Size() == 4 ? DType.Float32 : DType.Float64, Width);

    /// <summary>What a comparison leaves: integer lanes, for scalar lanes an int.</summary>
    public Type Mask => Width is null ? typeof(int) : Integer.Value;

    /// <param name="type">Float32, Float64, Int32 or Int64.</param>
    /// <param name="width">Null for scalar lanes.</param>
    public static Simd Of(DType type, VectorWidth? width)
    {
        int lanes = width is { } bytes ? (int)bytes / (int)VectorWidth.V128 : 0;
        return type > DType.Int64 ? new Simd(type, width) : Known[lanes * 4 + (int)type] ??= new Simd(type, width);
    }

    /// <summary>address → value; any alignment.</summary>
    public void Load(ILGenerator il)
    {
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Ldobj, Value);
    }

    /// <summary>address, value → ; any alignment.</summary>
    public void Store(ILGenerator il)
    {
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Stobj, Value);
    }

    /// <summary>value, address → ; past the caches, at a multiple of the vector's size.</summary>
    public void StorePast(ILGenerator il) => il.Emit(OpCodes.Call, Cached("StoreAlignedNonTemporal", () => container!.GetMethod("StoreAlignedNonTemporal")!.MakeGenericMethod(Element)));

    /// <summary>element → value with it in every lane.</summary>
    public void Broadcast(ILGenerator il)
    {
        if (Width is not null)
            il.Emit(OpCodes.Call, Cached("Create", () => VectorCreate.Of(DType, Width!.Value)));
    }

    /// <summary>→ value with the literal in every lane.</summary>
    public void Constant(ILGenerator il, double value)
    {
        switch (DType)
        {
            case DType.Float32: il.Emit(OpCodes.Ldc_R4, (float)value); break;
            case DType.Float64: il.Emit(OpCodes.Ldc_R8, value); break;
            case DType.Int32: il.Emit(OpCodes.Ldc_I4, (int)value); break;
            default: il.Emit(OpCodes.Ldc_I8, (long)value); break;
        }

        Broadcast(il);
    }

    /// <summary>a, b → a + b.</summary>
    public void Add(ILGenerator il) => Binary(il, "op_Addition", OpCodes.Add);

    /// <summary>a, b → a − b.</summary>
    public void Subtract(ILGenerator il) => Binary(il, "op_Subtraction", OpCodes.Sub);

    /// <summary>a, b → a · b.</summary>
    public void Multiply(ILGenerator il) => Binary(il, "op_Multiply", OpCodes.Mul);

    /// <summary>a, b → a / b; integers truncate.</summary>
    public void Divide(ILGenerator il) => Binary(il, "op_Division", OpCodes.Div);

    /// <summary>a, b, c → a · b + c, rounded once.</summary>
    public void FusedMultiplyAdd(ILGenerator il) =>
        il.Emit(OpCodes.Call, Width is null ? MathMethod("FusedMultiplyAdd", 3) : Method("FusedMultiplyAdd", [Value, Value, Value]));

    public void Negate(ILGenerator il)
    {
        if (Width is null)
            il.Emit(OpCodes.Neg);
        else
            il.Emit(OpCodes.Call, Operator("op_UnaryNegation", Value));
    }

    public void Absolute(ILGenerator il) => Unary(il, "Abs", "Abs", generic: true);

    public void SquareRoot(ILGenerator il) => Unary(il, "Sqrt", "Sqrt", generic: true);

    /// <summary>To the nearest integer, ties to even.</summary>
    public void Round(ILGenerator il) => Unary(il, "Round", "Round", generic: false);

    public void Floor(ILGenerator il) => Unary(il, "Floor", "Floor", generic: false);

    /// <summary>a, b → the greater as IEEE 754 "maximum" says: a NaN wins, +0 is above −0.</summary>
    public void Maximum(ILGenerator il) => il.Emit(OpCodes.Call, Width is null ? MathMethod("Max", 2) : Generic("Max", 2));

    /// <summary>a, b → the smaller as IEEE 754 "minimum" says: a NaN wins, −0 is below +0.</summary>
    public void Minimum(ILGenerator il) => il.Emit(OpCodes.Call, Width is null ? MathMethod("Min", 2) : Generic("Min", 2));

    /// <summary>a, b → mask.</summary>
    public void Less(ILGenerator il) => Compare(il, "LessThan", OpCodes.Clt);

    /// <summary>a, b → mask.</summary>
    public void LessOrEqual(ILGenerator il)
    {
        if (Width is not null)
        {
            Compare(il, "LessThanOrEqual", default);
            return;
        }

        // a ≤ b is not (a > b), where a NaN must count as greater.
        il.Emit(DType.IsFloat() ? OpCodes.Cgt_Un : OpCodes.Cgt);
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ceq);
    }

    /// <summary>a, b → mask.</summary>
    public void Equal(ILGenerator il) => Compare(il, "Equals", OpCodes.Ceq);

    /// <summary>mask → mask.</summary>
    public void NotMask(ILGenerator il)
    {
        if (Width is null)
        {
            il.Emit(OpCodes.Ldc_I4_0);
            il.Emit(OpCodes.Ceq);
        }
        else
        {
            Integer.Not(il);
        }
    }

    /// <summary>a, b → a and b, of integers or masks (of <see cref="Integer"/>).</summary>
    public void And(ILGenerator il) => Binary(il, "op_BitwiseAnd", OpCodes.And);

    public void Or(ILGenerator il) => Binary(il, "op_BitwiseOr", OpCodes.Or);

    public void Xor(ILGenerator il) => Binary(il, "op_ExclusiveOr", OpCodes.Xor);

    public void Not(ILGenerator il)
    {
        if (Width is null)
            il.Emit(OpCodes.Not);
        else
            il.Emit(OpCodes.Call, Operator("op_OnesComplement", Value));
    }

    /// <summary>
    /// From three locals → value: <paramref name="mask"/> ? <paramref name="a"/> : <paramref name="b"/>.
    /// </summary>
    public void Select(ILGenerator il, Action mask, Action a, Action b)
    {
        if (Width == VectorWidth.V256 && Avx2.IsSupported)
        {
            // One instruction; the JIT, which does not know what a mask is, would take three.
            b();
            a();
            mask();
            if (DType.IsFloat())
                Integer.AsFloating(il);
            il.Emit(OpCodes.Call, Cached("Blend", () => (DType.IsFloat() ? typeof(Avx) : typeof(Avx2)).GetMethod(nameof(Avx.BlendVariable), [Value, Value, Value])!));
            return;
        }

        mask();
        if (Width is not null)
        {
            if (DType.IsFloat())
                Integer.AsFloating(il);
            a();
            b();
            il.Emit(OpCodes.Call, Generic("ConditionalSelect", 3));
            return;
        }

        var (otherwise, end) = (il.DefineLabel(), il.DefineLabel());
        il.Emit(OpCodes.Brfalse, otherwise);
        a();
        il.Emit(OpCodes.Br, end);
        il.MarkLabel(otherwise);
        b();
        il.MarkLabel(end);
    }

    /// <summary>Integers: a → a · 2^count, bits shifted out are lost.</summary>
    public void ShiftLeft(ILGenerator il, int count) => Shift(il, count, "op_LeftShift", OpCodes.Shl);

    /// <summary>Integers: a → ⌊a / 2^count⌋.</summary>
    public void ShiftRightArithmetic(ILGenerator il, int count) => Shift(il, count, "op_RightShift", OpCodes.Shr);

    /// <summary>Integer lanes → floating lanes of the same size.</summary>
    public void ToFloating(ILGenerator il)
    {
        if (Width is null)
            il.Emit(DType == DType.Int32 ? OpCodes.Conv_R4 : OpCodes.Conv_R8);
        else
            il.Emit(OpCodes.Call, Method(DType == DType.Int32 ? "ConvertToSingle" : "ConvertToDouble", [Value]));
    }

    /// <summary>Floating lanes → integer lanes of the same size, truncated; out of range gives what the processor gives.</summary>
    public void ToInteger(ILGenerator il)
    {
        if (Width is not null)
            il.Emit(OpCodes.Call, Method(DType == DType.Float32 ? "ConvertToInt32Native" : "ConvertToInt64Native", [Value]));
        else
            ToIntegerScalar(il, Integer.Element);
    }

    /// <summary>Scalar lanes: floating → any integer type, truncated.</summary>
    public void ToIntegerScalar(ILGenerator il, Type target) =>
        il.Emit(OpCodes.Call, Element.GetMethod("ConvertToIntegerNative")!.MakeGenericMethod(target));

    /// <summary>The bits of floating lanes as integers.</summary>
    public void AsInteger(ILGenerator il) => il.Emit(OpCodes.Call, Width is null
        ? typeof(BitConverter).GetMethod(DType == DType.Float32 ? "SingleToInt32Bits" : "DoubleToInt64Bits", [Element])!
        : Generic(DType == DType.Float32 ? "AsInt32" : "AsInt64", 1));

    /// <summary>The bits of integer lanes as floating numbers.</summary>
    public void AsFloating(ILGenerator il) => il.Emit(OpCodes.Call, Width is null
        ? typeof(BitConverter).GetMethod(DType == DType.Int32 ? "Int32BitsToSingle" : "Int64BitsToDouble", [Element])!
        : Generic(DType == DType.Int32 ? "AsSingle" : "AsDouble", 1));

    /// <summary>A method of Vector512 (or the container of this width) that is not generic.</summary>
    public MethodInfo Method(string name, Type[] parameters) => Cached(name, () => container!.GetMethod(name, parameters));

    /// <summary>A method of Vector512 (or the container of this width) over so many vectors of one element type.</summary>
    public MethodInfo Generic(string name, int vectors) => Cached(name, () =>
    {
        var parameter = VectorOf(Type.MakeGenericMethodParameter(0))!;
        return container!.GetMethod(name, 1, vectors switch { 1 => [parameter], 2 => [parameter, parameter], _ => [parameter, parameter, parameter] })?.MakeGenericMethod(Element);
    });

    /// <summary>An operator of the vector type: few overloads, found at once.</summary>
    private MethodInfo Operator(string name, params Type[] operands) => Cached(name, () => Value.GetMethod(name, operands));

    private Type? VectorOf(Type element) => Width switch
    {
        null => null,
        VectorWidth.V128 => typeof(Vector128<>).MakeGenericType(element),
        VectorWidth.V256 => typeof(Vector256<>).MakeGenericType(element),
        _ => typeof(Vector512<>).MakeGenericType(element),
    };

    private MethodInfo Cached(string name, Func<MethodInfo?> find)
    {
        lock (methods)
        {
            if (!methods.TryGetValue(name, out var method))
                methods[name] = method = find() ?? throw new MissingMethodException($"{container!.Name}.{name} for {Element.Name}");
            return method;
        }
    }

    private MethodInfo MathMethod(string name, int operands) =>
        (Element == typeof(float) ? typeof(MathF) : typeof(Math)).GetMethod(name, [.. Enumerable.Repeat(Element, operands)])!;

    private void Binary(ILGenerator il, string name, OpCode scalar)
    {
        if (Width is null)
            il.Emit(scalar);
        else
            il.Emit(OpCodes.Call, Operator(name, Value, Value));
    }

    private void Unary(ILGenerator il, string name, string scalar, bool generic)
    {
        if (Width is null)
            il.Emit(OpCodes.Call, MathMethod(scalar, 1));
        else
            il.Emit(OpCodes.Call, generic ? Generic(name, 1) : Method(name, [Value]));
    }

    private void Compare(ILGenerator il, string name, OpCode scalar)
    {
        if (Width is null)
        {
            il.Emit(scalar);
            return;
        }

        il.Emit(OpCodes.Call, Generic(name, 2));
        if (DType.IsFloat())
            AsInteger(il);
    }

    private void Shift(ILGenerator il, int count, string name, OpCode scalar)
    {
        il.Emit(OpCodes.Ldc_I4, count);
        if (Width is null)
            il.Emit(scalar);
        else
            il.Emit(OpCodes.Call, Operator(name, Value, typeof(int)));
    }
}
