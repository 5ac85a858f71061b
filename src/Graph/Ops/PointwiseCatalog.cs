using System.Collections.Immutable;
using Singa.Actors.Graph.Scalars;
using static Singa.Actors.Graph.Scalars.Fn;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// One pointwise op: a name and a scalar body. <c>Gradient</c>, where given, replaces the body's derivative: it gets the arguments and
/// the op's own result and answers one factor an argument. <c>Low</c> and <c>High</c> bound where tests draw arguments from.
/// </summary>
public sealed record PointwiseEntry(
    string Name, int Arity, Func<Scalar[], Scalar> Body, Func<Scalar[], Scalar, Scalar[]>? Gradient = null, double Low = -2, double High = 2);

/// <summary>Every pointwise op of floating tensors, a line each. Adding one here (and in the ONNX table) is all there is to do.</summary>
public static class PointwiseCatalog
{
    public static readonly ImmutableArray<PointwiseEntry> Entries =
    [
        new("Add", 2, a => a[0] + a[1]),
        new("Subtract", 2, a => a[0] - a[1]),
        new("Multiply", 2, a => a[0] * a[1]),
        new("Divide", 2, a => a[0] / a[1], Low: 0.5),
        new("Maximum", 2, a => Max(a[0], a[1])),
        new("Minimum", 2, a => Min(a[0], a[1])),
        new("Pow", 2, a => Pow(a[0], a[1]), Low: 0.5),
        new("Negate", 1, a => -a[0]),
        new("Absolute", 1, a => Abs(a[0])),
        new("Square", 1, a => a[0] * a[0]),
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
        new("Silu", 1, a => a[0] * Logistic(a[0])),
        new("Gelu", 1, a => a[0] * 0.5 * (1 + Erf(a[0] * 0.70710678118654752))),
        // log(1 + e^x) without overflow.
        new("Softplus", 1, a => Max(a[0], 0) + Log(1 + Exp(-Abs(a[0]))), (a, _) => [Logistic(a[0])]),
    ];

    private static readonly Dictionary<string, PointwiseEntry> ByName = Entries.ToDictionary(e => e.Name);

    public static PointwiseEntry? Find(string name) => ByName.GetValueOrDefault(name);

    /// <exception cref="GraphException">No such op.</exception>
    public static PointwiseEntry Get(string name) => Find(name) ?? throw new GraphException($"no pointwise op is named '{name}'");
}
