namespace Singa.Actors.Graph.Scalars;

/// <summary>Functions composed of others. Those that say so keep their relative precision near 0, where the obvious formula cancels.</summary>
public static partial class Fn
{
    private const double Large = 1e9;
    private const double Ln2 = 0.69314718055994531;

    public static Scalar Ceil(Scalar x) => -Floor(-x);

    public static Scalar Clamp(Scalar x, double low, double high) => Min(Max(x, low), high);

    /// <summary>e^x − 1 for x ≤ 0, precise near 0.</summary>
    public static Scalar Expm1(Scalar x)
    {
        var t = Tanh(x * 0.5);
        return 2 * t / (1 - t);
    }

    /// <summary>log(1 + x), precise near 0: what 1 + x rounds away is put back as a factor (W. Kahan).</summary>
    public static Scalar Log1p(Scalar x)
    {
        var w = 1 + x;
        return Select(Equal(w, 1), x, Select(x > 1, Log(w), Log(w) * (x / (w - 1))));
    }

    /// <summary>log(1 + e^x) without overflow.</summary>
    public static Scalar Softplus(Scalar x) => Max(x, 0) + Log(1 + Exp(-Abs(x)));

    public static Scalar Tan(Scalar x) => Sin(x) / Cos(x);

    public static Scalar Asin(Scalar x) => Atan(x / (Sqrt(1 - x) * Sqrt(1 + x)));

    public static Scalar Acos(Scalar x) => 2 * Atan(Sqrt(1 - x) / Sqrt(1 + x));

    public static Scalar Cosh(Scalar x) => (Exp(x) + Exp(-x)) * 0.5;

    /// <summary>(e^x − e^−x) / 2, precise near 0.</summary>
    public static Scalar Sinh(Scalar x)
    {
        var z = x * x;
        var small = x * Expansion.Polynomial(z, [.. Enumerable.Range(0, 10).Select(i => 1 / Expansion.Factorial(2 * i + 1))]);
        return Select(Abs(x) < 1, small, (Exp(x) - Exp(-x)) * 0.5);
    }

    /// <summary>Precise near 0.</summary>
    public static Scalar Asinh(Scalar x)
    {
        var a = Abs(x);
        var value = Select(a > Large, Log(a) + Ln2, Log1p(a + a * (a / (1 + Sqrt(a * a + 1)))));
        return Select(x < 0, -value, value);
    }

    /// <summary>Of x ≥ 1; precise near 1.</summary>
    public static Scalar Acosh(Scalar x)
    {
        var t = x - 1;
        return Select(x > Large, Log(x) + Ln2, Log1p(t + Sqrt(t) * Sqrt(t + 2)));
    }

    /// <summary>Precise near 0.</summary>
    public static Scalar Atanh(Scalar x)
    {
        var a = Abs(x);
        var value = 0.5 * Log1p(2 * a / (1 - a));
        return Select(x < 0, -value, value);
    }

    /// <summary>x · tanh(log(1 + e^x)) with one exponential and one division. Source: Misra, "Mish" (2019).</summary>
    public static Scalar Mish(Scalar x)
    {
        var e = Exp(-Abs(x));
        var n = Select(x > 0, 1 + 2 * e, e * (e + 2));
        return x * (n / (n + Select(x > 0, 2 * e * e, 2)));
    }
}
