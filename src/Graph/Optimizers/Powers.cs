using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Optimizers;

/// <summary>Constants to the power of a scalar of the step, without the system's logarithm: what comes out reaches the weights.</summary>
internal static class Powers
{
    /// <summary>value^exponent, for a value above 0.</summary>
    public static Tensor Of(double value, Tensor exponent) => Pointwise.Apply("Power", a => Fn.Exp(a[0] * Log(value)), exponent);

    /// <summary>
    /// 1 − value^exponent for a value from 0 to below 1 and an exponent of at least 1: by the hyperbolic tangent of half the power's
    /// logarithm, because the difference itself has lost its digits where the power is close to 1.
    /// </summary>
    public static Tensor Complement(double value, Tensor exponent) => value == 0 ? exponent.Like(1) : Pointwise.Apply("OneLessPower", a =>
    {
        var half = Fn.Tanh(a[0] * (Log(value) / 2));
        return half * -2 / (1 - half);
    }, exponent);

    private static double Log(double value) =>
        ScalarEvaluator.Evaluate(ScalarBody.Compile([DType.Float64], Fn.Log(Scalar.Argument(0, DType.Float64))), [value])[0];
}
