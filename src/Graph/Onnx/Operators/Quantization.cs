using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Whole numbers that stand for floating ones by a scale and a zero point.</summary>
internal static class Quantization
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("QuantizeLinear", 10, c => Quantize(c)),
        new("DequantizeLinear", 10, c => Dequantize(c)),
        new("DynamicQuantizeLinear", 11, Dynamic),
        new("QLinearMatMul", 10, c => MatMul(c)),
        new("QLinearConv", 10, c => Convolution(c)),
        new("ConvInteger", 10, c => OnnxCall.Out(Convolutions.Forward(c, Centred(c, 0, 2, rows: false), Filter(c, 1, 3)), ElementType.Int32)),
    ];

    /// <summary>A scale or zero point beside a tensor: one, one an index of an axis, or one a block along it.</summary>
    private static Tensor Beside(Tensor one, Shape shape, int axis, long block)
    {
        if (one.Shape.Rank == 0 || one.Shape.Count == 1)
            return one.Reshape(Shape.Scalar);
        if (one.Shape.Rank == 1 && block == 0)
            return Movement.Along(one, axis, shape.Rank);
        if (one.Shape.Rank != shape.Rank)
            throw new OnnxException($"scales {one.Shape} for {shape}");
        if (one.Shape == shape)
            return one;
        long each = block > 0 ? block : shape[axis] / Math.Max(1, one.Shape[axis]);
        var apart = one.Reshape(Shape.Of([.. one.Shape.Take(axis + 1), 1, .. one.Shape.Skip(axis + 1)]));
        var spread = apart.BroadcastTo(Shape.Of([.. one.Shape.Take(axis + 1), each, .. one.Shape.Skip(axis + 1)]));
        var whole = spread.Reshape(one.Shape.With(axis, one.Shape[axis] * each));
        return whole.Shape == shape ? whole : whole.Slice([.. shape.Select(_ => 0L)], [.. shape], [.. shape.Select(_ => 1L)]);
    }

    private static OnnxValue Quantize(OnnxCall c)
    {
        var x = c.X(0);
        int axis = x.Shape.Rank == 0 ? 0 : (int)Math.Min(c.Int("axis", 1) < 0 ? c.Int("axis", 1) + x.Shape.Rank : c.Int("axis", 1), x.Shape.Rank - 1);
        long block = c.Int("block_size", 0);
        var named = c.HasAttribute("output_dtype") && c.Int("output_dtype") != 0 ? c.Type("output_dtype") : ElementType.UInt8;
        var element = c.Has(2) ? c.Element(2) : named;
        var wide = x.DType.IsFloat() ? x : x.Convert(DType.Float32);
        var scaled = wide / Beside(c.X(1).Convert(wide.DType), x.Shape, axis, block);
        if (c.Element().Format() is not null)
            scaled = Narrowing.To(c.Element(), scaled);
        if (element.IsFloat())
        {
            var shifted = c.Has(2) ? scaled + Beside(c.X(2), x.Shape, axis, block) : scaled;
            return new GraphTensor(element, Casts.Converted(shifted, ElementType.Float, element, c.Flag("saturate", true)));
        }

        return new GraphTensor(element, ToRange(scaled, c.Has(2) ? Beside(c.X(2), x.Shape, axis, block) : null, element));
    }

    /// <summary>Rounded to the nearest whole number, moved by the zero point, held within the type.</summary>
    private static Tensor ToRange(Tensor scaled, Tensor? zero, ElementType element)
    {
        var (low, high) = element.Range();
        var rounded = Pointwise.Apply("Round", scaled);
        var moved = zero is null ? rounded : rounded + zero.Convert(scaled.DType);
        return Functions.Bounded(moved, low, high).Convert(element.Storage());
    }

    private static OnnxValue Dequantize(OnnxCall c)
    {
        var x = c.X(0);
        int axis = x.Shape.Rank == 0 ? 0 : (int)Math.Min(c.Int("axis", 1) < 0 ? c.Int("axis", 1) + x.Shape.Rank : c.Int("axis", 1), x.Shape.Rank - 1);
        long block = c.Int("block_size", 0);
        var element = c.HasAttribute("output_dtype") && c.Int("output_dtype") != 0 ? c.Type("output_dtype") : c.Element(1);
        var value = c.Has(2) ? x - Beside(c.X(2), x.Shape, axis, block) : x;
        var scale = Beside(c.X(1), x.Shape, axis, block);
        return OnnxCall.Out(value.Convert(scale.DType) * scale, element);
    }

    private static ImmutableArray<OnnxValue?> Dynamic(OnnxCall c)
    {
        var x = c.X();
        int[] all = [.. Enumerable.Range(0, x.Shape.Rank)];
        var most = Pointwise.Apply("AtLeast0", a => Fn.Max(a[0], 0), x.Max(all));
        var least = Pointwise.Apply("AtMost0", a => Fn.Min(a[0], 0), x.Min(all));
        var scale = (most - least) / 255;
        var zero = Pointwise.Apply("Round", Functions.Bounded(-least / scale, 0, 255)).Convert(DType.Int32);
        return [new GraphTensor(ElementType.UInt8, ToRange(x / scale, zero, ElementType.UInt8)), new GraphTensor(ElementType.Float, scale), new GraphTensor(ElementType.UInt8, zero)];
    }

    /// <summary>A matrix's numbers less its zero point (one, or one a row of the left, a column of the right), as float64.</summary>
    internal static Tensor Centred(OnnxCall c, int input, int zero, bool rows)
    {
        var x = c.X(input).Convert(DType.Float64);
        return c.Has(zero) ? x - ByRow(c.X(zero).Convert(DType.Float64), rows) : x;
    }

    private static Tensor ByRow(Tensor one, bool rows) => one.Shape.Rank == 1 && one.Shape[0] > 1 && rows ? one.Reshape(one.Shape.Append(1)) : one.Shape.Count == 1 ? one.Reshape(Shape.Scalar) : one;

    private static OnnxValue MatMul(OnnxCall c)
    {
        var product = Centred(c, 0, 2, rows: true).MatMul(Centred(c, 3, 5, rows: false));
        var scale = ByRow(c.X(1).Convert(DType.Float64), rows: true) * ByRow(c.X(4).Convert(DType.Float64), rows: false) / ByRow(c.X(6).Convert(DType.Float64), rows: true);
        return new GraphTensor(c.Element(7), ToRange(product * scale, ByRow(c.X(7), rows: true), c.Element(7)));
    }

    private static Tensor Filter(OnnxCall c, int input, int zero)
    {
        var w = c.X(input).Convert(DType.Float64);
        return c.Has(zero) ? w - PerOutput(c.X(zero).Convert(DType.Float64), w.Shape.Rank, 0) : w;
    }

    private static Tensor PerOutput(Tensor one, int rank, int axis) => one.Shape.Count == 1 ? one.Reshape(Shape.Scalar) : Movement.Along(one, axis, rank);

    private static OnnxValue Convolution(OnnxCall c)
    {
        var sums = Convolutions.Forward(c, Centred(c, 0, 2, rows: false), Filter(c, 3, 5));
        if (c.Has(8))
            sums += Movement.Along(c.X(8).Convert(DType.Float64), 1, sums.Shape.Rank);
        var scale = c.X(1).Convert(DType.Float64).Reshape(Shape.Scalar) * PerOutput(c.X(4).Convert(DType.Float64), sums.Shape.Rank, 1) / c.X(6).Convert(DType.Float64).Reshape(Shape.Scalar);
        return new GraphTensor(c.Element(7), ToRange(sums * scale, c.X(7).Reshape(Shape.Scalar), c.Element(7)));
    }
}
