using System.Collections.Immutable;
using Singa.Actors.Graph.Scalars;
using static Singa.Actors.Graph.Scalars.Fn;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// One pointwise op: a name and a scalar body. <c>Gradient</c>, where given, replaces the body's derivative: it gets the arguments and
/// the op's own result and answers one factor an argument. <c>Low</c> and <c>High</c> bound where tests draw arguments from.
/// <c>Integers</c>: it takes Int32 and Int64 as well as floating numbers.
/// </summary>
public sealed record PointwiseEntry(string Name, int Arity, Func<Scalar[], Scalar> Body, Func<Scalar[], Scalar, Scalar[]>? Gradient = null, double Low = -2,
    double High = 2, bool Integers = false);

/// <summary>Every pointwise op of floating tensors, some of integers too, a line each. Adding one here (and in the ONNX table) is all there is to do.</summary>
public static class PointwiseCatalog
{
    public static readonly ImmutableArray<PointwiseEntry> Entries =
    [
        new("Add", 2, a => a[0] + a[1], Integers: true),
        new("Subtract", 2, a => a[0] - a[1], Integers: true),
        new("Multiply", 2, a => a[0] * a[1], Integers: true),
        new("Divide", 2, a => a[0] / a[1], Low: 0.5, Integers: true),
        new("Maximum", 2, a => Max(a[0], a[1]), Integers: true),
        new("Minimum", 2, a => Min(a[0], a[1]), Integers: true),
        new("Pow", 2, a => Pow(a[0], a[1]), Low: 0.5),
        new("Negate", 1, a => -a[0], Integers: true),
        new("Absolute", 1, a => Abs(a[0]), Integers: true),
        new("Square", 1, a => a[0] * a[0], Integers: true),
        new("Sqrt", 1, a => Sqrt(a[0]), Low: 0.5),
        new("Reciprocal", 1, a => 1 / a[0], Low: 0.5),
        new("Exp", 1, a => Exp(a[0])),
        new("Log", 1, a => Log(a[0]), Low: 0.5),
        new("Sin", 1, a => Sin(a[0])),
        new("Cos", 1, a => Cos(a[0])),
        new("Erf", 1, a => Erf(a[0])),
        new("Tanh", 1, a => Tanh(a[0])),
        new("Logistic", 1, a => Logistic(a[0])),
        // Written so that a NaN stays one, and with the gradient in terms of the result, which is kept anyway.
        new("Relu", 1, a => Select(a[0] < 0, 0, a[0]), (_, y) => [Select(y > 0, Scalar.Literal(1, y.Type!.Value), 0)]),
        new("LeakyRelu", 1, a => LeakyRelu(a[0], 0.01)),
        new("PRelu", 2, a => Select(a[0] < 0, a[0] * a[1], a[0])),
        new("Relu6", 1, a => Clamp(a[0], 0, 6)),
        // Exponential units. Sources: Clevert, Unterthiner, Hochreiter (2015); Klambauer et al., "Self-normalizing neural networks" (2017).
        new("Elu", 1, a => Elu(a[0], 1), (a, y) => [Select(a[0] > 0, 1, y + 1)]),
        new("Selu", 1, a => 1.0507009873554805 * Elu(a[0], 1.6732632423543772)),
        new("Silu", 1, a => a[0] * Logistic(a[0])),
        new("Mish", 1, a => Mish(a[0])),
        new("Gelu", 1, a => a[0] * 0.5 * (1 + Erf(a[0] * 0.70710678118654752))),
        new("GeluTanh", 1, a => a[0] * 0.5 * (1 + Tanh(0.79788456080286536 * a[0] * (1 + 0.044715 * a[0] * a[0])))),
        // ONNX's slopes: 1/5 and 1/6.
        new("HardSigmoid", 1, a => HardSigmoid(a[0], 0.2, 0.5), Low: -4, High: 4),
        new("HardSwish", 1, a => a[0] * HardSigmoid(a[0], 1.0 / 6, 0.5), Low: -4, High: 4),
        new("HardTanh", 1, a => Clamp(a[0], -1, 1)),
        new("Softsign", 1, a => a[0] / (1 + Abs(a[0]))),
        new("Softplus", 1, a => Softplus(a[0]), (a, _) => [Logistic(a[0])]),
        new("LogSigmoid", 1, a => -Softplus(-a[0]), (a, _) => [Logistic(-a[0])]),
        // Steps: their gradient is zero wherever there is one.
        new("Sign", 1, a => Select(a[0] > 0, 1, Select(a[0] < 0, -1, a[0])), (a, _) => [Zero(a[0])], Integers: true),
        new("Ceil", 1, a => Ceil(a[0])),
        new("Floor", 1, a => Floor(a[0])),
        // To the nearest integer, ties to even.
        new("Round", 1, a => Round(a[0])),
        new("Tan", 1, a => Tan(a[0]), (_, y) => [1 + y * y], Low: -1.2, High: 1.2),
        new("Asin", 1, a => Asin(a[0]), (a, _) => [1 / (Sqrt(1 - a[0]) * Sqrt(1 + a[0]))], Low: -0.9, High: 0.9),
        new("Acos", 1, a => Acos(a[0]), (a, _) => [-1 / (Sqrt(1 - a[0]) * Sqrt(1 + a[0]))], Low: -0.9, High: 0.9),
        new("Atan", 1, a => Atan(a[0]), Low: -4, High: 4),
        new("Sinh", 1, a => Sinh(a[0]), (a, _) => [Cosh(a[0])]),
        new("Cosh", 1, a => Cosh(a[0]), (a, _) => [Sinh(a[0])]),
        new("Asinh", 1, a => Asinh(a[0]), (a, _) => [1 / Sqrt(a[0] * a[0] + 1)], Low: -4, High: 4),
        new("Acosh", 1, a => Acosh(a[0]), (a, _) => [1 / (Sqrt(a[0] - 1) * Sqrt(a[0] + 1))], Low: 1.2, High: 4),
        new("Atanh", 1, a => Atanh(a[0]), (a, _) => [1 / ((1 - a[0]) * (1 + a[0]))], Low: -0.9, High: 0.9),
    ];

    private static readonly Dictionary<string, PointwiseEntry> ByName = Entries.ToDictionary(e => e.Name);

    public static PointwiseEntry? Find(string name) => ByName.GetValueOrDefault(name);

    /// <exception cref="GraphException">No such op.</exception>
    public static PointwiseEntry Get(string name) => Find(name) ?? throw new GraphException($"no pointwise op is named '{name}'");

    internal static Scalar LeakyRelu(Scalar x, double slope) => Select(x < 0, x * slope, x);

    internal static Scalar Elu(Scalar x, double alpha) => Select(x > 0, x, alpha * Expm1(x));

    internal static Scalar HardSigmoid(Scalar x, double slope, double offset) => Clamp(x * slope + offset, 0, 1);

    private static Scalar Zero(Scalar like) => Scalar.Literal(0, like.Type!.Value);
}
