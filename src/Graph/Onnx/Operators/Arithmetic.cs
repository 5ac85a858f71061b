using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Operators on the numbers at one point, of every numeric type.</summary>
internal static class Arithmetic
{
    private const double TwoTo63 = 9223372036854775808.0;

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Add", 1, c => Binary(c, "Add", (a, b) => a + b)) { Write = (node, _) => Written(node, "Add", "Add", (a, b) => a + b) },
        new("Sub", 1, c => Binary(c, "Subtract", (a, b) => a - b)) { Write = (node, _) => Written(node, "Sub", "Subtract", (a, b) => a - b) },
        new("Mul", 1, c => Binary(c, "Multiply", (a, b) => a * b)) { Write = (node, _) => Written(node, "Mul", "Multiply", (a, b) => a * b) },
        new("Div", 1, c => c.Element().IsFloat() ? Binary(c, "Divide", (a, b) => a / b) : Binary(c, "Quotient", Quotient))
        {
            Write = (node, _) => node.Inputs.Length == 2 && node.Inputs[0].DType.IsFloat() ? Written(node, "Div", "Divide", (a, b) => a / b) : null,
        },
        new("Mod", 10, c => Binary(c, "Mod", (a, b) => c.Element().IsFloat() ? Remainder(a, b) : c.Flag("fmod") ? a - Quotient(a, b) * b : Modulo(a, b))),
        new("Pow", 1, Power),
        new("Max", 1, c => Fold(c, "Maximum", (a, b) => Ordered(c, a, b, Fn.Max))) { Write = (node, _) => Written(node, "Max", "Maximum", Fn.Max) },
        new("Min", 1, c => Fold(c, "Minimum", (a, b) => Ordered(c, a, b, Fn.Min))) { Write = (node, _) => Written(node, "Min", "Minimum", Fn.Min) },
        new("Sum", 1, c => Fold(c, "Add", (a, b) => a + b)),
        new("Mean", 1, c => c.Out(Fold(c, "Add", (a, b) => a + b).Tensor / c.Inputs)),
        new("Abs", 1, c => c.Element().IsUnsigned() ? c.In(0) : Unary(c, "Absolute", Fn.Abs)) { Write = (node, _) => PointwiseForm.Catalog(node, "Abs", "Absolute") },
        new("Neg", 1, c => Unary(c, "Negate", a => -a)) { Write = (node, _) => PointwiseForm.Catalog(node, "Neg", "Negate") },
        new("Sign", 9, c => Unary(c, "Sign", a => c.Element().IsUnsigned() ? Fn.Select(Fn.Equal(a, 0), a, 1) : Fn.Select(a > 0, 1, Fn.Select(a < 0, -1, a)))),

        new("Equal", 1, c => c.Element() == ElementType.String ? TextOperators.Equal(c) : Compare(c, "Equal", Fn.Equal)),
        new("Less", 1, c => Compare(c, "Less", (a, b) => a < b)),
        new("Greater", 1, c => Compare(c, "Greater", (a, b) => a > b)),
        new("LessOrEqual", 12, c => Compare(c, "LessOrEqual", (a, b) => a <= b)),
        new("GreaterOrEqual", 12, c => Compare(c, "GreaterOrEqual", (a, b) => a >= b)),
        new("And", 1, c => Binary(c, "And", (a, b) => a & b)),
        new("Or", 1, c => Binary(c, "Or", (a, b) => a | b)),
        new("Xor", 1, c => Binary(c, "Xor", (a, b) => a ^ b)),
        new("Not", 1, c => Unary(c, "Not", a => !a)),
        new("Where", 9, c => c.Element(1) == ElementType.String ? TextOperators.Where(c)
            : c.Moved(Pointwise.Apply("Where", a => Fn.Select(a[0], a[1], a[2]), c.X(0), c.X(1), c.X(2)), 1)),

        new("BitwiseAnd", 18, c => Binary(c, "And", (a, b) => a & b)),
        new("BitwiseOr", 18, c => Binary(c, "Or", (a, b) => a | b)),
        new("BitwiseXor", 18, c => Binary(c, "Xor", (a, b) => a ^ b)),
        new("BitwiseNot", 18, c => Unary(c, "BitwiseNot", a => a ^ -1)),
        new("BitShift", 11, c => Binary(c, "BitShift", (a, b) => Shifted(c, a, b))),

        new("IsNaN", 9, c => OnnxCall.Out(Pointwise.Apply("IsNaN", a => Fn.NotEqual(a[0], a[0]), c.X()), ElementType.Bool)),
        new("IsInf", 10, c => OnnxCall.Out(Pointwise.Apply("IsInf", a =>
            IsInfinity(a[0], c.Flag("detect_positive", true), c.Flag("detect_negative", true)), c.X()), ElementType.Bool)),
    ];

    private static Written? Written(Node node, string name, string label, Func<Scalar, Scalar, Scalar> body) =>
        node.Inputs.Length == 2 && node.Inputs[0].DType != DType.UInt8 ? PointwiseForm.Of(node, name, label, a => body(a[0], a[1])) : null;

    internal static GraphTensor Unary(OnnxCall c, string label, Func<Scalar, Scalar> body) => c.Out(Pointwise.Apply(label, a => body(a[0]), c.X()));

    internal static GraphTensor Binary(OnnxCall c, string label, Func<Scalar, Scalar, Scalar> body)
    {
        var (a, b) = Aligned(c);
        return c.Out(Pointwise.Apply(label, s => body(s[0], s[1]), a, b));
    }

    /// <summary>Where both sides have one type; before version 7 the second had to be told where it belongs.</summary>
    private static (Tensor A, Tensor B) Aligned(OnnxCall c)
    {
        var (a, b) = (c.X(0), c.X(1));
        if (c.Element(0) != c.Element(1))
            throw new OnnxException($"inputs of {c.Element(0).Name()} and {c.Element(1).Name()} are of two types");
        if (c.Version >= 7 || !c.Flag("broadcast") || !c.HasAttribute("axis"))
            return (a, b);
        int axis = OnnxCall.Axis(c.Int("axis"), a.Shape.Rank), behind = a.Shape.Rank - axis - b.Shape.Rank;
        if (behind < 0)
            throw new OnnxException($"{b.Shape} does not stand at axis {axis} of {a.Shape}");
        return (a, b.Reshape(Shape.Of([.. b.Shape, .. Enumerable.Repeat(1L, behind)])));
    }

    private static GraphTensor Compare(OnnxCall c, string label, Func<Scalar, Scalar, Scalar> body)
    {
        var (a, b) = Aligned(c);
        return OnnxCall.Out(Pointwise.Apply(label, s => body(Signed(c, s[0]), Signed(c, s[1])), a, b), ElementType.Bool);
    }

    private static GraphTensor Fold(OnnxCall c, string label, Func<Scalar, Scalar, Scalar> body)
    {
        if (c.Inputs == 0)
            throw new OnnxException("there is no input");
        var all = c.All;
        if (all.Any(t => t.Element != all[0].Element))
            throw new OnnxException("the inputs are of several types");
        return c.Out(all.Select(t => t.Tensor).Aggregate((a, b) => Pointwise.Apply(label, s => body(s[0], s[1]), a, b)));
    }

    private static GraphTensor Power(OnnxCall c)
    {
        var (a, b) = Aligned2(c);
        // Whole numbers to a power go by way of float64: exact as far as the result is.
        var type = c.Element().IsFloat() ? a.DType : DType.Float64;
        var result = Pointwise.Apply("Pow", s => IntegerPower(s[0], s[1]), a.Convert(type), b.Convert(type));
        return c.Out(c.Element().IsFloat() ? result : Pointwise.Apply("Round", s => Fn.Convert(Fn.Round(s[0]), a.DType), result));

        static (Tensor, Tensor) Aligned2(OnnxCall c) => c.Version < 7 ? Aligned(c) : (c.X(0), c.X(1));
    }

    /// <summary>Small powers by multiplication: they are common, and logarithms lose digits.</summary>
    private static Scalar IntegerPower(Scalar x, Scalar y)
    {
        var general = Fn.Pow(x, y);
        return Fn.Select(Fn.Equal(y, 1), x, Fn.Select(Fn.Equal(y, 2), x * x, Fn.Select(Fn.Equal(y, 3), x * x * x, Fn.Select(Fn.Equal(y, 0.5), Fn.Sqrt(x), general))));
    }

    /// <summary>UInt64 is stored by its bits: turned so that Int64's order is its own.</summary>
    private static Scalar Signed(OnnxCall c, Scalar x) => c.Element() == ElementType.UInt64 ? x ^ -TwoTo63 : x;

    private static Scalar Ordered(OnnxCall c, Scalar a, Scalar b, Func<Scalar, Scalar, Scalar> pick) => Signed(c, pick(Signed(c, a), Signed(c, b)));

    /// <summary>a / b towards zero; by 0 whatever it is, but no fault.</summary>
    internal static Scalar Quotient(Scalar a, Scalar b) => Fn.Select(Fn.Equal(b, -1), -a, a / Fn.Select(Fn.Equal(b, 0) | Fn.Equal(b, -1), 1, b));

    /// <summary>The remainder with the divisor's sign.</summary>
    private static Scalar Modulo(Scalar a, Scalar b)
    {
        var r = a - Quotient(a, b) * b;
        return Fn.Select(Fn.NotEqual(r, 0) & ((r < 0) ^ (b < 0)), r + b, r);
    }

    /// <summary>The remainder with the dividend's sign.</summary>
    private static Scalar Remainder(Scalar a, Scalar b)
    {
        var (x, y) = (Fn.Convert(a, DType.Float64), Fn.Convert(b, DType.Float64));
        var q = x / y;
        return Fn.Convert(x - Fn.Select(q < 0, Fn.Ceil(q), Fn.Floor(q)) * y, a.Type!.Value);
    }

    private static Scalar Shifted(OnnxCall c, Scalar x, Scalar count)
    {
        bool left = c.Text("direction") == "LEFT";
        int bits = c.Element().Bits();
        for (int bit = 0; 1 << bit < bits; bit++)
        {
            int by = 1 << bit;
            var moved = left ? x << by : c.Element() == ElementType.UInt64 ? (x >> by) & ((Scalar.Literal(-1, DType.Int64) << (64 - by)) ^ -1) : x >> by;
            x = Fn.Select(Fn.NotEqual(count & (double)by, 0), moved, x);
        }

        return Fn.Select(count >= bits, 0, x);
    }

    private static Scalar IsInfinity(Scalar x, bool positive, bool negative)
    {
        var no = Scalar.Literal(0, DType.Bool);
        return (positive ? Fn.Equal(x, double.PositiveInfinity) : no) | (negative ? Fn.Equal(x, double.NegativeInfinity) : no);
    }
}
