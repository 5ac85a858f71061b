using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Tests;

/// <summary>The catalog's composed functions against the system's in float64, near their zeros and limits too.</summary>
public sealed class ElementaryFunctionTests
{
    private static readonly Dictionary<string, (Func<double, double> Exact, double[] At)> Functions = new()
    {
        ["Tan"] = (Math.Tan, [0, 1e-9, 0.3, -0.7, 1.5]),
        ["Asin"] = (Math.Asin, [0, 1e-9, 0.3, -0.7, 0.999, 1, -1]),
        ["Acos"] = (Math.Acos, [0, 0.3, -0.7, 0.999999, 1, -1]),
        ["Atan"] = (Math.Atan, [0, 1e-9, 0.3, -0.5, 0.7, 1, 2.4, -2.5, 1e9, double.PositiveInfinity, double.NegativeInfinity, double.NaN]),
        ["Sinh"] = (Math.Sinh, [0, 1e-9, 0.3, -0.99, 1.01, 20, -40]),
        ["Cosh"] = (Math.Cosh, [0, 0.3, -0.99, 20, -40]),
        ["Asinh"] = (Math.Asinh, [0, 1e-9, 0.3, -0.7, 5, -1e6, 1e12, 1e25]),
        ["Acosh"] = (Math.Acosh, [1, 1 + 1e-9, 1.3, 5, 1e6, 1e12, 1e25]),
        ["Atanh"] = (Math.Atanh, [0, 1e-9, 0.3, -0.7, 0.999, 1, -1]),
        ["Mish"] = (x => x * Math.Tanh(Math.Log(1 + Math.Exp(x))), [0, 0.3, -0.7, 10, -2, 100]),
        ["Elu"] = (x => x > 0 ? x : 2 * Math.Tanh(x / 2) / (1 - Math.Tanh(x / 2)), [0, 0.3, -1e-9, -0.7, -100, 100]),
        ["Softsign"] = (x => x / (1 + Math.Abs(x)), [0, 1, -3]),
        ["GeluTanh"] = (x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))), [0, 1, -1, 3, -1.5]),
        ["HardSigmoid"] = (x => Math.Clamp(0.2 * x + 0.5, 0, 1), [0, -3, 3, 1]),
        ["HardSwish"] = (x => x * Math.Clamp(x / 6 + 0.5, 0, 1), [0, -4, 4, 1]),
        ["LogSigmoid"] = (x => -Math.Log(1 + Math.Exp(-x)), [0, 1, -1, -30]),
        ["Sign"] = (x => double.IsNaN(x) ? x : Math.Sign(x), [0, 2, -2, double.NaN]),
        ["Ceil"] = (Math.Ceiling, [0.5, -0.5, 2, -2.1]),
        ["Round"] = (x => Math.Round(x, MidpointRounding.ToEven), [0.5, 1.5, -0.5, 2.4]),
    };

    public static TheoryData<string> Names => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_close_to_the_exact_value_in_both_types(string name)
    {
        var (exact, at) = Functions[name];
        foreach (double x in at)
        {
            Check(DType.Float64, x, exact(x), 1e-13);
            Check(DType.Float32, (float)x, exact((float)x), 1e-6);
        }

        void Check(DType type, double x, double expected, double tolerance)
        {
            var program = ScalarBody.Compile([type], PointwiseCatalog.Get(name).Body([Scalar.Argument(0, type)]));
            double got = ScalarEvaluator.Evaluate(program, [x])[0];
            Assert.True(got.Equals(expected) || Math.Abs(got - expected) <= tolerance * Math.Abs(expected), $"{name}({x}) is {expected}; as {type} {got}");
        }
    }
}
