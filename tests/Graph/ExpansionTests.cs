using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Tests;

/// <summary>Our own transcendental functions against the system's in float64; only here may a libm be asked.</summary>
public sealed class ExpansionTests
{
    private static readonly Dictionary<ScalarOp, (Func<double, double> Exact, double Low, double High, double UlpsMax)> Functions = new()
    {
        [ScalarOp.Exp] = (Math.Exp, -87, 88, 2),
        [ScalarOp.Log] = (Math.Log, 1e-30, 1e30, 3),
        [ScalarOp.Tanh] = (Math.Tanh, -12, 12, 4),
        [ScalarOp.Logistic] = (x => 1 / (1 + Math.Exp(-x)), -80, 80, 3),
        [ScalarOp.Sin] = (Math.Sin, -100, 100, 3),
        [ScalarOp.Cos] = (Math.Cos, -100, 100, 3),
    };

    public static TheoryData<ScalarOp> Names => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Float32_is_within_a_few_units_in_the_last_place(ScalarOp op)
    {
        var (exact, low, high, ulps) = Functions[op];
        var program = Program(op, DType.Float32);
        double worst = 0;
        for (int i = 0; i <= 20000; i++)
        {
            float x = (float)Point(low, high, i / 20000.0);
            double want = exact(x), got = ScalarEvaluator.Evaluate(program, [x])[0];
            // Near a zero of sine the reduction's absolute error counts, not the relative one.
            double unit = Math.Max(MathF.BitIncrement(MathF.Abs((float)want)) - MathF.Abs((float)want), 6e-8f);
            worst = Math.Max(worst, Math.Abs(got - want) / (op is ScalarOp.Sin or ScalarOp.Cos ? unit : Math.Max(MathF.BitIncrement(MathF.Abs((float)want)) - MathF.Abs((float)want), float.Epsilon)));
        }

        Assert.True(worst <= ulps, $"{op}: {worst} ulp");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Float64_is_within_1e_14(ScalarOp op)
    {
        var (exact, low, high, _) = Functions[op];
        var program = Program(op, DType.Float64);
        for (int i = 0; i <= 5000; i++)
        {
            double x = Point(low, high, i / 5000.0), want = exact(x), got = ScalarEvaluator.Evaluate(program, [x])[0];
            Assert.True(Math.Abs(got - want) <= 1e-14 * Math.Max(Math.Abs(want), op is ScalarOp.Sin or ScalarOp.Cos ? 1 : 0), $"{op}({x}) = {got}, exactly {want}");
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.1, 0.11246291601828489)]
    [InlineData(0.5, 0.52049987781304654)]
    [InlineData(1, 0.84270079294971487)]
    [InlineData(1.5, 0.96610514647531073)]
    [InlineData(3, 0.99997790950300141)]
    [InlineData(-0.7, -0.67780119383741847)]
    [InlineData(30, 1)]
    public void Erf_has_the_tabulated_values(double x, double expected) =>
        Assert.Equal(expected, ScalarEvaluator.Evaluate(Program(ScalarOp.Erf, DType.Float64), [x])[0], 1e-14);

    /// <summary>Against the float64 one, which the table above checks; and never beyond 1.</summary>
    [Fact]
    public void Erf_in_float32_is_within_a_few_units_in_the_last_place()
    {
        var (narrow, wide) = (Program(ScalarOp.Erf, DType.Float32), Program(ScalarOp.Erf, DType.Float64));
        double worst = 0;
        for (int i = 0; i <= 20000; i++)
        {
            float x = (float)(i < 2000 ? Point(1e-30, 1, i / 2000.0) : Point(-4.5, 4.5, (i - 2000) / 18000.0));
            double want = ScalarEvaluator.Evaluate(wide, [x])[0], got = ScalarEvaluator.Evaluate(narrow, [x])[0];
            Assert.InRange(got, -1, 1);
            worst = Math.Max(worst, Math.Abs(got - want) / (MathF.BitIncrement(MathF.Abs((float)want)) - MathF.Abs((float)want)));
        }

        Assert.True(worst <= 5, $"{worst} ulp");
    }

    [Theory]
    [InlineData(2, 10, 1024)]
    [InlineData(-2, 3, -8)]
    [InlineData(-2, 2, 4)]
    [InlineData(5, 0, 1)]
    [InlineData(0, 3, 0)]
    [InlineData(2, -2, 0.25)]
    [InlineData(-2, 0.5, double.NaN)]
    public void Pow_knows_signs(double x, double y, double expected)
    {
        var program = ScalarBody.Compile([DType.Float64, DType.Float64], Fn.Pow(Scalar.Argument(0, DType.Float64), Scalar.Argument(1, DType.Float64)));
        Assert.Equal(expected, ScalarEvaluator.Evaluate(program, [x, y])[0], double.IsNaN(expected) ? 0 : Math.Abs(expected) * 1e-14);
    }

    [Theory]
    [InlineData(ScalarOp.Exp, double.NegativeInfinity, 0)]
    [InlineData(ScalarOp.Exp, 1000, double.PositiveInfinity)]
    [InlineData(ScalarOp.Exp, -1000, 0)]
    [InlineData(ScalarOp.Exp, double.NaN, double.NaN)]
    [InlineData(ScalarOp.Log, 0, double.NegativeInfinity)]
    [InlineData(ScalarOp.Log, -1, double.NaN)]
    [InlineData(ScalarOp.Log, double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(ScalarOp.Tanh, double.NegativeInfinity, -1)]
    [InlineData(ScalarOp.Tanh, double.NaN, double.NaN)]
    [InlineData(ScalarOp.Logistic, -2000, 0)]
    [InlineData(ScalarOp.Erf, double.NaN, double.NaN)]
    [InlineData(ScalarOp.Erf, double.NegativeInfinity, -1)]
    [InlineData(ScalarOp.Erf, 1e30, 1)]
    public void Limits_and_nan_are_right_in_both_types(ScalarOp op, double x, double expected)
    {
        Assert.Equal(expected, ScalarEvaluator.Evaluate(Program(op, DType.Float64), [x])[0]);
        Assert.Equal(expected, ScalarEvaluator.Evaluate(Program(op, DType.Float32), [x])[0]);
    }

    [Fact]
    public void The_larger_and_the_smaller_let_nan_win()
    {
        foreach (var op in new[] { ScalarOp.Maximum, ScalarOp.Minimum })
        {
            var program = ScalarBody.Compile([DType.Float32, DType.Float32], Scalar.Binary(op, Scalar.Argument(0, DType.Float32), Scalar.Argument(1, DType.Float32)));
            Assert.Equal(double.NaN, ScalarEvaluator.Evaluate(program, [double.NaN, 1])[0]);
            Assert.Equal(double.NaN, ScalarEvaluator.Evaluate(program, [1, double.NaN])[0]);
            Assert.Equal(op == ScalarOp.Maximum ? 2 : 1, ScalarEvaluator.Evaluate(program, [1, 2])[0]);
        }
    }

    private static ScalarProgram Program(ScalarOp op, DType type) => ScalarBody.Compile([type], Scalar.Unary(op, Scalar.Argument(0, type)));

    private static double Point(double low, double high, double t) => low > 0 ? low * Math.Pow(high / low, t) : low + (high - low) * t;
}
