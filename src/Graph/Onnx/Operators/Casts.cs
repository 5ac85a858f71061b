using System.Collections.Immutable;
using System.Globalization;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>From one element type to another.</summary>
internal static class Casts
{
    private const double TwoTo63 = 9223372036854775808.0;

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Cast", 1, c => Cast(c, Named(c.Text("to")))),
        new("Cast", 6, c => Cast(c, c.Type("to")))
        {
            Write = (node, _) => node.Outputs[0].DType is var to && to != DType.UInt8
                ? PointwiseForm.Of(node, "Cast", "Convert", a => Fn.Convert(a[0], to))?.With(Attributes.Int("to", (int)ElementTypes.Of(to))) : null,
        },
        new("CastLike", 15, c => Cast(c, c.Element(1))),
        new("BitCast", 26, BitCast),
    ];

    private static ElementType Named(string name) => Enum.TryParse<ElementType>(name, ignoreCase: true, out var type) ? type : throw new OnnxException($"there is no element type '{name}'");

    private static OnnxValue Cast(OnnxCall c, ElementType to)
    {
        if (c.Value(0) is HostTexts texts)
            return to == ElementType.String ? texts : FromTexts(texts, to);
        if (to == ElementType.String)
            return ToTexts(c.Known(0));
        return new GraphTensor(to, Converted(c.X(), c.Element(), to, c.Flag("saturate", true), c.Text("round_mode", "up")));
    }

    /// <param name="saturate">For 8-bit floats: what is too large becomes the largest number.</param>
    internal static Tensor Converted(Tensor x, ElementType from, ElementType to, bool saturate = true, string rounding = "up")
    {
        if (from == to)
            return x;
        if (from == ElementType.UInt64 && to.IsFloat())
            x = Pointwise.Apply("FromUInt64", a => Fn.Select(a[0] < 0, Fn.Convert(a[0], DType.Float64) + 2 * TwoTo63, Fn.Convert(a[0], DType.Float64)), x);
        if (to == ElementType.UInt64 && from.IsFloat())
            return Pointwise.Apply("ToUInt64", a => Fn.Select(a[0] >= TwoTo63, Fn.Convert(a[0] - TwoTo63, DType.Int64) ^ -TwoTo63, Fn.Convert(a[0], DType.Int64)), x);
        if (to == ElementType.Float8E8M0)
            return PowersOfTwo(x.Convert(DType.Float32), rounding, saturate);
        if (to is ElementType.Float8E4M3FN or ElementType.Float8E4M3FNUZ or ElementType.Float8E5M2 or ElementType.Float8E5M2FNUZ && saturate || to == ElementType.Float4E2M1)
            return Narrowing.Saturated(to, x);
        if (to.IsInteger() && from.IsFloat() && to.Bits() < 32)
            x = x.Convert(DType.Int64);
        return Narrowing.To(to, x.Convert(to.Storage()));
    }

    /// <summary>To a power of two: rounded up, down, or to the nearest.</summary>
    private static Tensor PowersOfTwo(Tensor x, string rounding, bool saturate) => Pointwise.Apply("ToFloat8E8M0", a =>
    {
        var bits = Fn.ReinterpretInt(a[0]);
        var down = (bits >> 23) << 23;
        var more = bits - down;
        double half = 1 << 22;
        var up = rounding switch { "down" => Scalar.Literal(0, DType.Bool), "nearest" => more >= half, _ => more > 0 };
        var value = Fn.ReinterpretFloat(Fn.Select(up, down + (double)(1 << 23), down));
        // Half the smallest normal number is a code too.
        value = Fn.Select(a[0] < 1.17549435e-38, 5.877471754e-39, value);
        value = Fn.Select(value > 1.7014118346046923e38, saturate ? 1.7014118346046923e38 : double.NaN, value);
        return Fn.Select(Fn.NotEqual(a[0], a[0]) | (a[0] < 0), double.NaN, value);
    }, x);

    private static HostTexts ToTexts(HostTensor tensor)
    {
        bool floating = tensor.Element.IsFloat();
        IEnumerable<string> texts = floating ? OnnxCall.Floats(tensor).Select(v => Text(v, tensor.Element))
            : tensor.Element == ElementType.Bool ? OnnxCall.Integers(tensor).Select(v => v != 0 ? "True" : "False")
            : tensor.Element == ElementType.UInt64 ? OnnxCall.Integers(tensor).Select(v => ((ulong)v).ToString(CultureInfo.InvariantCulture))
            : OnnxCall.Integers(tensor).Select(v => v.ToString(CultureInfo.InvariantCulture));
        return new HostTexts(tensor.Shape, texts.ToSeq());
    }

    private static string Text(double value, ElementType element) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "INF",
        double.NegativeInfinity => "-INF",
        _ when element == ElementType.Double => value.ToString("R", CultureInfo.InvariantCulture),
        _ when element == ElementType.Float16 => ((Half)value).ToString("R", CultureInfo.InvariantCulture),
        _ => ((float)value).ToString("R", CultureInfo.InvariantCulture),
    };

    private static OnnxValue FromTexts(HostTexts texts, ElementType to)
    {
        if (to.IsFloat())
        {
            double[] values = [.. texts.Texts.Select(Number)];
            return OnnxCall.Out(Constant.Create<double>(values, texts.Shape), to);
        }

        return OnnxCall.Host(to, texts.Shape, [.. texts.Texts.Select(t => long.TryParse(t, NumberStyles.Integer, CultureInfo.InvariantCulture, out long whole) ? whole : (long)Number(t))]);

        static double Number(string text) => text.ToUpperInvariant() switch
        {
            "INF" or "+INF" or "INFINITY" => double.PositiveInfinity,
            "-INF" or "-INFINITY" => double.NegativeInfinity,
            "NAN" => double.NaN,
            _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw new OnnxException($"'{text}' is no number"),
        };
    }

    /// <summary>The same bits as another type of as many.</summary>
    private static OnnxValue BitCast(OnnxCall c)
    {
        var (from, to) = (c.Element(), c.Type("to"));
        if (from.Bits() != to.Bits())
            throw new OnnxException($"{from.Name()} and {to.Name()} have not as many bits");
        var x = c.X();
        var result = (from, to) switch
        {
            _ when from == to => x,
            (ElementType.Float, ElementType.Int32) => Pointwise.Apply("BitCast", a => Fn.ReinterpretInt(a[0]), x),
            (ElementType.Int32, ElementType.Float) => Pointwise.Apply("BitCast", a => Fn.ReinterpretFloat(a[0]), x),
            (ElementType.Float, ElementType.UInt32) => Pointwise.Apply("BitCast", a => Fn.ReinterpretInt(a[0]), x),
            (ElementType.UInt32, ElementType.Float) => Pointwise.Apply("BitCast", a => Fn.ReinterpretFloat(Fn.Convert(a[0], DType.Int32)), x),
            (ElementType.Double, ElementType.Int64 or ElementType.UInt64) => Pointwise.Apply("BitCast", a => Fn.ReinterpretInt(a[0]), x),
            (ElementType.Int64 or ElementType.UInt64, ElementType.Double) => Pointwise.Apply("BitCast", a => Fn.ReinterpretFloat(a[0]), x),
            _ when from.IsInteger() && to.IsInteger() => x,
            _ => ByHost(c, to),
        };
        return OnnxCall.Out(result, to);
    }

    private static Tensor ByHost(OnnxCall c, ElementType to)
    {
        var known = c.Known(0);
        var raw = Packing.Pack(known.Element, known.Data.Span, known.Shape.Count);
        return new HostTensor(to, known.Shape, Packing.Unpack(to, raw, known.Shape.Count)).ToConstant();
    }
}
