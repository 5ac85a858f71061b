using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Tensors from attributes, shapes and chance.</summary>
internal static class Creation
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Constant", 1, Constant) { Write = (node, _) => Elements(node) is { } elements ? new Written("Constant").With(Attributes.Value("value", elements)) : null },
        new("ConstantOfShape", 9, ConstantOfShape) { Write = WriteFill },
        new("Shape", 1, c =>
        {
            var shape = c.Shape();
            int from = Bound(c.Int("start", 0)), to = Bound(c.Int("end", shape.Rank));
            return OnnxCall.Longs(Shape.Of(Math.Max(0, to - from)), [.. shape.Take(to).Skip(from)]);

            int Bound(long at) => (int)Math.Clamp(at < 0 ? at + shape.Rank : at, 0, shape.Rank);
        }),
        new("Size", 1, c => OnnxCall.Longs(Shape.Scalar, c.Shape().Count)),
        new("Range", 11, Range),
        new("EyeLike", 9, EyeLike),
        new("RandomUniform", 1, c => Random(c, Shape.Of(c.RequiredInts("shape")), c.Type("dtype", ElementType.Float), normal: false)),
        new("RandomNormal", 1, c => Random(c, Shape.Of(c.RequiredInts("shape")), c.Type("dtype", ElementType.Float), normal: true)),
        new("RandomUniformLike", 1, c => Random(c, c.Shape(), c.Type("dtype", c.Element()), normal: false)),
        new("RandomNormalLike", 1, c => Random(c, c.Shape(), c.Type("dtype", c.Element()), normal: true)),
        new("Bernoulli", 15, c => OnnxCall.Out(Pointwise.Apply("Bernoulli", a => Fn.Select(a[0] < a[1], Scalar.Literal(1, DType.Float32), 0),
            Uniform(c, c.Shape(), DType.Float32), c.X().Convert(DType.Float32)), c.Type("dtype", c.Element()))),
        new("Multinomial", 7, c => OnnxCall.Out(Drawn(c), c.Type("dtype", ElementType.Int32))),
    ];

    /// <summary>Class numbers [n, samples] from unnormalised logarithms [n, classes]: how many classes a draw leaves behind.</summary>
    private static Tensor Drawn(OnnxCall c)
    {
        var probabilities = c.X().Softmax();
        int classes = checked((int)probabilities.Shape[1]);
        // [classes, classes]: the sum up to and with each class.
        var upTo = Fill.Create(probabilities.DType, Shape.Of(classes, classes), 1).Triu();
        var draws = Uniform(c, Shape.Of(probabilities.Shape[0], c.Int("sample_size", 1), 1), probabilities.DType);
        var sums = probabilities.MatMul(upTo).Reshape(Shape.Of(probabilities.Shape[0], 1, classes));
        var behind = Pointwise.Apply("IsBehind", a => Fn.Select(a[1] <= a[0], Scalar.Literal(1, DType.Int32), 0), draws, sums).Sum(2);
        return Pointwise.Apply("WithinClasses", a => Fn.Min(a[0], (double)(classes - 1)), behind);
    }

    private static OnnxValue Constant(OnnxCall c)
    {
        if (c.Tensor("value") is { } tensor)
            return tensor;
        if (c.Sparse("sparse_value") is { } sparse)
            return c.Read(sparse);
        if (c.HasAttribute("value_int"))
            return OnnxCall.Host(ElementType.Int64, Shape.Scalar, [c.Int("value_int")]);
        if (c.HasAttribute("value_float"))
            return new GraphTensor(ElementType.Float, Ops.Constant.Create<float>([(float)c.Float("value_float")], Shape.Scalar));
        if (c.Ints("value_ints") is { } ints)
            return OnnxCall.Host(ElementType.Int64, Shape.Of(ints.Length), ints);
        if (c.Floats("value_floats") is { } floats)
            return new GraphTensor(ElementType.Float, Ops.Constant.Create<float>([.. floats.Select(f => (float)f)], Shape.Of(floats.Length)));
        if (c.HasAttribute("value_string"))
            return new HostTexts(Shape.Scalar, [c.Text("value_string")]);
        return c.Texts("value_strings") is { } texts ? new HostTexts(Shape.Of(texts.Length), [.. texts]) : throw new OnnxException("a constant has no value");
    }

    private static HostTensor? Elements(Node node)
    {
        if (node.Op is Constant { Type.DType: not DType.UInt8 } constant)
            return new HostTensor(ElementTypes.Of(constant.Type.DType), constant.Type.Shape, constant.Data.Items.AsMemory());
        if (node.Op is not Source { Type.DType: not DType.UInt8 } source)
            return null;
        var bytes = new byte[source.Type.Bytes];
        source.Values.CopyTo(0, bytes);
        return new HostTensor(ElementTypes.Of(source.Type.DType), source.Type.Shape, bytes);
    }

    private static Written? WriteFill(Node node, WriteContext context)
    {
        if (node.Op is not Fill { Type.DType: not DType.UInt8 } fill || (fill.Type.DType == DType.Int64 && Math.Abs(fill.Value) >= 1L << 53))
            return null;
        var written = new Written("ConstantOfShape", Export.Written.Numbers([.. fill.Type.Shape]))
            .With(Attributes.Value("value", ScalarForm.Literal(fill.Type.DType, fill.Value) with { Shape = Shape.Of(1) }));
        return fill.Type.DType == DType.Float32 && Attributes.Exact("value", fill.Value) is { } exact ? written with { Exact = [exact] } : written;
    }

    private static OnnxValue ConstantOfShape(OnnxCall c)
    {
        var shape = TensorReader.ShapeOf(c.Integers(0), c.Context.Limits, () => "the result");
        if (c.Tensor("value") is not { } value)
            return new GraphTensor(ElementType.Float, Fill.Create(DType.Float32, shape, 0));
        if (value is not HostTensor { Shape.Count: 1 } one)
            throw new OnnxException("attribute value has one element");
        double number = one.Type.DType == DType.Float32 ? c.Refined("value", OnnxCall.Floats(one)[0]) : OnnxCall.Floats(one)[0];
        // A double holds every number but the large ones of 64 bits.
        return new GraphTensor(one.Element, one.Type.DType != DType.Int64 || Math.Abs(number) < 1L << 53 ? Fill.Create(one.Type.DType, shape, number)
            : one.ToConstant().Reshape(Shape.Scalar).BroadcastTo(shape));
    }

    private static OnnxValue Range(OnnxCall c)
    {
        var (start, limit, step) = (c.Known(0), c.Known(1), c.Known(2));
        if (start.Type.DType.IsFloat())
        {
            double from = OnnxCall.Floats(start)[0], by = OnnxCall.Floats(step)[0];
            long many = Count(Math.Ceiling((OnnxCall.Floats(limit)[0] - from) / by));
            double[] values = [.. Enumerable.Range(0, Tables.Length(many)).Select(i => from + i * by)];
            var tensor = start.Type.DType == DType.Float64 ? Ops.Constant.Create<double>(values, Shape.Of(many)) : Ops.Constant.Create<float>([.. values.Select(v => (float)v)], Shape.Of(many));
            return OnnxCall.Out(tensor, start.Element);
        }

        long first = OnnxCall.Integers(start)[0], delta = OnnxCall.Integers(step)[0];
        if (delta == 0)
            throw new OnnxException("a step of 0 leads nowhere");
        long count = Count(Math.Ceiling(((double)OnnxCall.Integers(limit)[0] - first) / delta));
        return OnnxCall.Host(start.Element, Shape.Of(count), [.. Enumerable.Range(0, Tables.Length(count)).Select(i => first + i * delta)]);

        static long Count(double many) => many is >= 0 and <= int.MaxValue / 8 ? (long)many : many < 0 ? 0 : throw new OnnxException($"a range of {many:N0} numbers");
    }

    private static OnnxValue EyeLike(OnnxCall c)
    {
        var shape = c.Shape();
        if (shape.Rank != 2)
            throw new OnnxException($"a matrix is needed, not {shape}");
        var element = c.Type("dtype", c.Element());
        double diagonal = Math.Clamp(c.Int("k", 0), -shape[0], shape[1]);
        var eye = Pointwise.Apply("Eye", a => Fn.Convert(Fn.Equal(a[1] - a[0], diagonal), element.Storage()),
            Composites.Iota(checked((int)shape[0])).Reshape(Shape.Of(shape[0], 1)), Composites.Iota(checked((int)shape[1])));
        return new GraphTensor(element, eye);
    }

    private static OnnxValue Random(OnnxCall c, Shape shape, ElementType element, bool normal)
    {
        var type = element == ElementType.Double ? DType.Float64 : DType.Float32;
        if (!normal)
        {
            double low = c.Float("low", 0), high = c.Float("high", 1);
            return OnnxCall.Out(Uniform(c, shape, type) * (high - low) + low, element);
        }

        return OnnxCall.Out(Normal(c, shape, type) * c.Float("scale", 1) + c.Float("mean", 0), element);
    }

    /// <summary>Uniform in [0, 1): by the node's own seed where it has one.</summary>
    internal static Tensor Uniform(OnnxCall c, Shape shape, DType type, string what = "")
    {
        string seed = c.HasAttribute("seed") ? FormattableString.Invariant($"seed {c.Number("seed")}") : $"node {c.Name}";
        return RandomBits.Uniform(Philox.Key(c.Context.Seed, $"onnx {seed}{what}"), 0, type, shape);
    }

    /// <summary>Box and Muller's transform.</summary>
    private static Tensor Normal(OnnxCall c, Shape shape, DType type) => Pointwise.Apply("Normal",
        a => Fn.Sqrt(-2 * Fn.Log(1 - a[0])) * Fn.Cos(a[1] * (2 * Math.PI)), Uniform(c, shape, type), Uniform(c, shape, type, " angle"));
}
