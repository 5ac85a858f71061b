using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Functions of one floating number, activations above all.</summary>
internal static class Functions
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        Same("Sqrt", 1), Same("Reciprocal", 1), Same("Exp", 1), Same("Log", 1), Same("Sin", 7), Same("Cos", 7), Same("Tan", 7), Same("Asin", 7),
        Same("Acos", 7), Same("Atan", 7), Same("Sinh", 9), Same("Cosh", 9), Same("Asinh", 9), Same("Acosh", 9), Same("Atanh", 9), Same("Erf", 9),
        Same("Ceil", 1), Same("Floor", 1), Same("Round", 11), Same("Tanh", 1), Same("Sigmoid", 1, "Logistic"), Same("Softplus", 1), Same("Softsign", 1),
        Same("Mish", 18), Same("HardSwish", 14),
        Same("Relu", 1),
        new("LeakyRelu", 1, c => Map(c, "LeakyRelu.ONNX", x => PointwiseCatalog.LeakyRelu(x, c.Float("alpha", 0.01)))),
        new("PRelu", 1, c => c.Out(Pointwise.Apply("PRelu", c.X(), Slope(c))))
        {
            Write = (node, _) => node.Inputs.Length == 2 && node.Inputs[1].Shape.BroadcastsTo(node.Inputs[0].Shape) ? PointwiseForm.Catalog(node, "PRelu", "PRelu") : null,
        },
        new("ThresholdedRelu", 10, c => Map(c, "ThresholdedRelu", x => Fn.Select(x > c.Float("alpha", 1), x, 0))),
        new("Elu", 1, c => Map(c, "Elu.ONNX", x => PointwiseCatalog.Elu(x, c.Float("alpha", 1)))),
        new("Celu", 12, c => Map(c, "Celu", x => Fn.Select(x > 0, x, c.Float("alpha", 1) * Fn.Expm1(Fn.Min(x, 0) / c.Float("alpha", 1))))),
        new("Selu", 1, c => Map(c, "Selu.ONNX", x => c.Float("gamma", 1.05070102214813232421875) * PointwiseCatalog.Elu(x, c.Float("alpha", 1.67326319217681884765625)))),
        new("HardSigmoid", 1, c => Map(c, "HardSigmoid.ONNX", x => PointwiseCatalog.HardSigmoid(x, c.Float("alpha", 0.2), c.Float("beta", 0.5)))),
        new("Swish", 24, c => Map(c, "Swish", x => x * Fn.Logistic(x * c.Float("alpha", 1)))),
        new("Gelu", 20, c => c.Out(Pointwise.Apply(c.Text("approximate", "none") == "tanh" ? "GeluTanh" : "Gelu", c.X())))
        {
            Write = (node, _) => PointwiseForm.Catalog(node, "Gelu", "Gelu") ?? PointwiseForm.Catalog(node, "Gelu", "GeluTanh")?.With(Attributes.Text("approximate", "tanh")),
        },
        new("Shrink", 9, c => Map(c, "Shrink", x =>
        {
            double bias = c.Float("bias", 0), border = c.Float("lambd", 0.5);
            return Fn.Select(x < -border, x + bias, Fn.Select(x > border, x - bias, 0));
        })),
        new("Clip", 1, c => c.Out(Bounded(c.X(), c.Float("min", double.NegativeInfinity), c.Float("max", double.PositiveInfinity)))),
        new("Clip", 11, c => c.Out(BoundedBy(c))),
        new("Softmax", 1, c => c.Out(Flattened(c, x => x.Softmax()))),
        new("Softmax", 13, c => c.Out(c.X().Softmax((int)c.Int("axis", -1))))
        {
            // e / sum of e, e = exp(x - ...).
            Write = (node, context) => WriteSoftmax(node, context, "Softmax", CompositeForm.Behind(node, 1, 0), CompositeForm.Behind(node, 0, 0, 0), Composites.Softmax), Joins = true,
        },
        new("LogSoftmax", 1, c => c.Out(Flattened(c, x => x.LogSoftmax()))),
        new("LogSoftmax", 13, c => c.Out(c.X().LogSoftmax((int)c.Int("axis", -1))))
        {
            // s - log of the sum of exp(s), s = x - ....
            Write = (node, context) => WriteSoftmax(node, context, "LogSoftmax", CompositeForm.Behind(node, 1, 0, 0), CompositeForm.Behind(node, 0, 0), Composites.LogSoftmax), Joins = true,
        },
        new("Hardmax", 1, c => c.Out(Flattened(c, x => Hardmax(x, -1)))),
        new("Hardmax", 13, c => c.Out(Hardmax(c.X(), (int)c.Int("axis", -1)))),
    ];

    private static OnnxOperator Same(string name, long since, string? catalog = null) => new(name, since, c => c.Out(Pointwise.Apply(catalog ?? name, c.X())))
    {
        Write = (node, _) => PointwiseForm.Catalog(node, name, catalog ?? name),
    };

    private static Written? WriteSoftmax(Node node, WriteContext context, string name, Tensor? sum, Tensor? x, Func<Tensor, int, Tensor> build) =>
        node.Op is Pointwise { Label: "Divide" or "Subtract" } && x is not null && sum?.Producer.Op is Reduce { Axes: [var axis] } && axis < x.Shape.Rank
            ? CompositeForm.Of(node, x, t => build(t, axis), context, new Written(name, x).With(Attributes.Int("axis", axis))) : null;

    private static GraphTensor Map(OnnxCall c, string label, Func<Scalar, Scalar> body) => Arithmetic.Unary(c, label, body);

    /// <summary>Before version 7 one slope a channel stood alone; later it broadcasts.</summary>
    private static Tensor Slope(OnnxCall c)
    {
        var (x, slope) = (c.X(0), c.X(1));
        return c.Version < 7 && slope.Shape.Rank == 1 && slope.Shape[0] > 1 ? slope.AlongChannels(x.Shape.Rank) : slope;
    }

    internal static Tensor Bounded(Tensor x, double low, double high) => Pointwise.Apply("Clip.ONNX", a =>
    {
        var least = double.IsNegativeInfinity(low) ? a[0] : Fn.Max(a[0], low);
        return double.IsPositiveInfinity(high) ? least : Fn.Min(least, high);
    }, x);

    private static Tensor BoundedBy(OnnxCall c)
    {
        var x = c.X();
        if (c.Has(1))
            x = Pointwise.Apply("Maximum.ONNX", a => Fn.Max(a[0], a[1]), x, c.X(1).Reshape(Shape.Scalar));
        return c.Has(2) ? Pointwise.Apply("Minimum.ONNX", a => Fn.Min(a[0], a[1]), x, c.X(2).Reshape(Shape.Scalar)) : x;
    }

    /// <summary>Until version 13 these worked on a matrix: what is before the axis, and all from it on.</summary>
    private static Tensor Flattened(OnnxCall c, Func<Tensor, Tensor> apply)
    {
        var x = c.X();
        int axis = c.Int("axis", 1) == x.Shape.Rank ? x.Shape.Rank : OnnxCall.Axis(c.Int("axis", 1), x.Shape.Rank);
        return apply(x.Reshape(Movement.Matrix(x.Shape, axis))).Reshape(x.Shape);
    }

    private static Tensor Hardmax(Tensor x, int axis)
    {
        int along = OnnxCall.Axis(axis, x.Shape.Rank);
        var first = Reductions.First(x, along, x.Max(along), last: false);
        return Pointwise.Apply("Hardmax", a => Fn.Select(Fn.Equal(a[0], a[1]), Scalar.Literal(1, x.DType), 0),
            Movement.Along(Composites.Iota(checked((int)x.Shape[along])), along, x.Shape.Rank), first.Reshape(x.Shape.With(along, 1)));
    }
}
