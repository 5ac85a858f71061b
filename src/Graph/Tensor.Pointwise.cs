using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;
using static System.FormattableString;

namespace Singa.Actors.Graph;

/// <summary>Functions of each element by itself: <see cref="PointwiseCatalog"/> as methods, and some with a number of their own.</summary>
public sealed partial class Tensor
{
    public Tensor Abs() => Pointwise.Apply("Absolute", this);

    public Tensor Sign() => Pointwise.Apply("Sign", this);

    public Tensor Square() => Pointwise.Apply("Square", this);

    public Tensor Sqrt() => Pointwise.Apply("Sqrt", this);

    /// <summary>1 / x.</summary>
    public Tensor Reciprocal() => Pointwise.Apply("Reciprocal", this);

    public Tensor Floor() => Pointwise.Apply("Floor", this);

    public Tensor Ceil() => Pointwise.Apply("Ceil", this);

    /// <summary>To the nearest whole number, ties to even.</summary>
    public Tensor Round() => Pointwise.Apply("Round", this);

    public Tensor Exp() => Pointwise.Apply("Exp", this);

    /// <summary>The natural logarithm.</summary>
    public Tensor Log() => Pointwise.Apply("Log", this);

    /// <summary>log(1 + x), precise near 0.</summary>
    public Tensor Log1p() => Pointwise.Apply("Log1p", a => Fn.Log1p(a[0]), this);

    public Tensor Sin() => Pointwise.Apply("Sin", this);

    public Tensor Cos() => Pointwise.Apply("Cos", this);

    public Tensor Tan() => Pointwise.Apply("Tan", this);

    public Tensor Asin() => Pointwise.Apply("Asin", this);

    public Tensor Acos() => Pointwise.Apply("Acos", this);

    public Tensor Atan() => Pointwise.Apply("Atan", this);

    public Tensor Sinh() => Pointwise.Apply("Sinh", this);

    public Tensor Cosh() => Pointwise.Apply("Cosh", this);

    public Tensor Tanh() => Pointwise.Apply("Tanh", this);

    public Tensor Asinh() => Pointwise.Apply("Asinh", this);

    public Tensor Acosh() => Pointwise.Apply("Acosh", this);

    public Tensor Atanh() => Pointwise.Apply("Atanh", this);

    public Tensor Erf() => Pointwise.Apply("Erf", this);

    /// <summary>1 / (1 + e^−x).</summary>
    public Tensor Sigmoid() => Pointwise.Apply("Logistic", this);

    public Tensor LogSigmoid() => Pointwise.Apply("LogSigmoid", this);

    /// <summary>log(1 + e^x).</summary>
    public Tensor Softplus() => Pointwise.Apply("Softplus", this);

    public Tensor Softsign() => Pointwise.Apply("Softsign", this);

    /// <summary>x · Φ(x), by erf or by the approximation with tanh.</summary>
    public Tensor Gelu(bool approximate = false) => Pointwise.Apply(approximate ? "GeluTanh" : "Gelu", this);

    /// <summary>x · σ(x).</summary>
    public Tensor Silu() => Pointwise.Apply("Silu", this);

    public Tensor Mish() => Pointwise.Apply("Mish", this);

    public Tensor Relu6() => Pointwise.Apply("Relu6", this);

    public Tensor LeakyRelu(double slope = 0.01) => new Modules.LeakyRelu(slope).Forward(this, null!);

    public Tensor Elu(double alpha = 1) => new Modules.Elu(alpha).Forward(this, null!);

    public Tensor Selu() => Pointwise.Apply("Selu", this);

    public Tensor HardSigmoid() => Pointwise.Apply("HardSigmoid", this);

    public Tensor HardSwish() => Pointwise.Apply("HardSwish", this);

    public Tensor HardTanh() => Pointwise.Apply("HardTanh", this);

    /// <summary>x ^ y; of a negative base only whole powers are numbers.</summary>
    public Tensor Pow(Tensor exponent) => Pointwise.Apply("Pow", this, exponent);

    /// <summary>x ^ exponent; small whole powers by multiplication, exact where the product is.</summary>
    public Tensor Pow(double exponent)
    {
        const int smallMax = 16;
        if (exponent is 0.5)
            return Sqrt();
        if (exponent != Math.Floor(exponent) || Math.Abs(exponent) > smallMax)
            return Pointwise.Apply(Invariant($"Pow({exponent})"), a => Fn.Pow(a[0], exponent), this);
        return exponent switch
        {
            0 => Full(Shape, 1, DType),
            1 => this,
            _ => Pointwise.Apply(Invariant($"Pow({exponent})"), a => exponent < 0 ? 1 / Power(a[0], -(int)exponent) : Power(a[0], (int)exponent), this),
        };
    }

    /// <summary>The larger of two, element by element; a NaN wins.</summary>
    public Tensor Maximum(Tensor other) => Pointwise.Apply("Maximum", this, other);

    public Tensor Maximum(double other) => Maximum(Like(other));

    /// <summary>The smaller of two, element by element; a NaN wins.</summary>
    public Tensor Minimum(Tensor other) => Pointwise.Apply("Minimum", this, other);

    public Tensor Minimum(double other) => Minimum(Like(other));

    private static Scalar Power(Scalar x, int exponent) => exponent == 1 ? x
        : Power(x, exponent / 2) is var half && exponent % 2 == 0 ? half * half : half * half * x;
}
