using static Singa.Actors.Graph.Scalars.Fn;

namespace Singa.Actors.Graph.Scalars;

/// <summary>
/// Spells the functions in primitives, the same on every backend, so that their bits do not depend on a system's libm. Where an
/// interval is short, Taylor series; tanh, erf (in float64) and atan use the rational approximations of Cephes (S. Moshier). Errors against exact
/// values, measured by the tests: a few units in the last place of float32, 1e-14 relative in float64.
/// </summary>
internal static class Expansion
{
    public static Scalar Expand(ScalarOp op, Scalar a, Scalar? b) => op switch
    {
        ScalarOp.Maximum => Select((b! < a) | NotEqual(a, a), a, b!),
        ScalarOp.Minimum => Select((a < b!) | NotEqual(a, a), a, b!),
        ScalarOp.Exp => ExpOf(a),
        ScalarOp.Log => LogOf(a),
        ScalarOp.Tanh => TanhOf(a),
        ScalarOp.Logistic => 1 / (1 + ExpOf(-a)),
        ScalarOp.Sin => SinOf(a, 0),
        ScalarOp.Cos => SinOf(a, 1),
        ScalarOp.Erf => ErfOf(a),
        ScalarOp.Pow => PowOf(a, b!),
        ScalarOp.Atan => AtanOf(a),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "is a primitive"),
    };

    private static bool IsDouble(Scalar x) => x.Type == DType.Float64;

    // e^x = 2^n · e^r with |r| ≤ ln 2 / 2; ln 2 in two parts so that n · ln 2 is exact enough. Results below the smallest
    // normal number are 0: backends differ in what they do with subnormals.
    private static Scalar ExpOf(Scalar x)
    {
        bool wide = IsDouble(x);
        var n = Round(x * 1.4426950408889634);
        var r = Fma(n, wide ? -6.93147180369123816490e-01 : -0.693145751953125, x);
        r = Fma(n, wide ? -1.90821492927058770002e-10 : -1.42860676533018e-06, r);
        var p = Polynomial(r, [.. Enumerable.Range(0, wide ? 14 : 8).Select(i => 1 / Factorial(i))]);
        // 2^n in two halves: n reaches one beyond what a single exponent can hold.
        var integer = wide ? DType.Int64 : DType.Int32;
        var k = Convert(n, integer);
        var half = k >> 1;
        var result = p * PowerOfTwo(half, wide) * PowerOfTwo(Scalar.Binary(ScalarOp.Subtract, k, half), wide);
        result = Select(x < (wide ? -708.3964185322641 : -87.33654), 0, result);
        return Select(x > (wide ? 709.782712893384 : 88.72283), double.PositiveInfinity, result);
    }

    private static Scalar PowerOfTwo(Scalar k, bool wide) => ReinterpretFloat((k + (wide ? 1023.0 : 127.0)) << (wide ? 52 : 23));

    // x = m · 2^e with m in [√½, √2); log m = 2 · atanh(s), s = (m − 1) / (m + 1).
    private static Scalar LogOf(Scalar x)
    {
        bool wide = IsDouble(x);
        int mantissa = wide ? 52 : 23;
        double smallest = wide ? 2.2250738585072014e-308 : 1.17549435e-38f, lift = wide ? 4503599627370496.0 : 8388608.0;
        var subnormal = x < smallest;
        var scaled = Select(subnormal, x * lift, x);
        var bits = ReinterpretInt(scaled);
        // Adding 1 − √½ in the bit pattern moves the split between exponents from 1 to √2.
        var shift = Scalar.Literal(wide ? 4604544271217802189.0 : 1060439283.0, bits.Type!.Value);
        var offset = Scalar.Binary(ScalarOp.Subtract, bits, shift);
        var e = Convert(offset >> mantissa, x.Type!.Value) - Select(subnormal, mantissa, Scalar.Literal(0, x.Type!.Value));
        var m = ReinterpretFloat(Scalar.Binary(ScalarOp.Subtract, bits, (offset >> mantissa) << mantissa));
        var s = (m - 1) / (m + 1);
        var z = s * s;
        var series = Polynomial(z, [.. Enumerable.Range(0, wide ? 12 : 5).Select(i => 2.0 / (2 * i + 1))]);
        var log = Fma(e, wide ? 6.93147180369123816490e-01 : 0.693145751953125,
            Fma(s, series, e * (wide ? 1.90821492927058770002e-10 : 1.42860676533018e-06)));
        log = Select(Equal(x, double.PositiveInfinity), double.PositiveInfinity, log);
        log = Select(Equal(x, 0), double.NegativeInfinity, log);
        return Select((x < 0) | NotEqual(x, x), double.NaN, log);
    }

    private static Scalar TanhOf(Scalar x)
    {
        bool wide = IsDouble(x);
        var z = x * x;
        var small = wide
            ? Fma(x, z * (Polynomial(z, -1.61468768441708447952E3, -9.92877231001918586564E1, -9.64399179425052238628E-1)
                / Polynomial(z, 4.84406305325125486048E3, 2.23548839060100448583E3, 1.12811678491632931402E2, 1)), x)
            : Fma(x, z * Polynomial(z, -3.33332819422E-1, 1.33314422036E-1, -5.37397155531E-2, 2.06390887954E-2, -5.70498872745E-3), x);
        var t = ExpOf(Abs(x) * -2);
        var large = (1 - t) / (1 + t);
        return Select(Abs(x) < 0.625, small, Select(x < 0, -large, large));
    }

    // x − n · π/2 in three parts (Cody and Waite); good for |x| up to some 10^5 in float32 and 10^9 in float64.
    private static Scalar SinOf(Scalar x, int quadrant)
    {
        bool wide = IsDouble(x);
        var n = Round(x * 0.63661977236758134);
        var r = Fma(n, wide ? -1.5707963267341256 : -1.5703125, x);
        r = Fma(n, wide ? -6.077100506303966e-11 : -4.837512969970703125e-4, r);
        r = Fma(n, wide ? -2.0222662487959506e-21 : -7.54978995489188216e-8, r);
        var z = r * r;
        int terms = wide ? 10 : 6;
        var sine = r * Polynomial(z, [.. Enumerable.Range(0, terms).Select(i => (i % 2 == 0 ? 1 : -1) / Factorial(2 * i + 1))]);
        var cosine = Polynomial(z, [.. Enumerable.Range(0, terms).Select(i => (i % 2 == 0 ? 1 : -1) / Factorial(2 * i))]);
        var q = Convert(n, wide ? DType.Int64 : DType.Int32) + (double)quadrant;
        var odd = NotEqual(q & 1.0, 0);
        var value = Select(odd, cosine, sine);
        return Select(NotEqual(q & 2.0, 0), -value, value);
    }

    private static Scalar ErfOf(Scalar x) => IsDouble(x) ? WideErfOf(x) : NarrowErfOf(x);

    // x · P(x²) / Q(x²), fitted for the least relative error (1.9e-8) up to where erf is 1 in float32. One formula for all arguments: GELU
    // computes it for every element.
    private static Scalar NarrowErfOf(Scalar x)
    {
        var z = x * x;
        var value = x * Polynomial(z, 1.1283791461695976, 0.19040484997963514, 0.05274852419771503, 0.0037655528018042447, 2.848821395593556E-4, 2.050109893234639E-6)
            / Polynomial(z, 1, 0.5020746459354051, 0.11410845718698771, 0.014969086031381437, 1.1625216514074917E-3, 3.809192141442412E-5);
        // Near the end rounding may lead beyond 1.
        return Select((Abs(x) >= 3.92) | (Abs(value) > 1), Select(x < 0, -1, Scalar.Literal(1, DType.Float32)), value);
    }

    private static Scalar WideErfOf(Scalar x)
    {
        var z = x * x;
        var small = x * (Polynomial(z, 5.55923013010394962768E4, 7.00332514112805075473E3, 2.23200534594684319226E3, 9.00260197203842689217E1,
                9.60497373987051638749E0)
            / Polynomial(z, 4.92673942608635921086E4, 2.26290000613890934246E4, 4.59432382970980127987E3, 5.21357949780152679795E2,
                3.35617141647503099647E1, 1));
        // Beyond 6 erf is 1 to the last bit; the cut keeps the polynomials finite.
        var a = Select(Abs(x) < 6, Abs(x), 6);
        var tail = ExpOf(-(a * a)) * (Polynomial(a, 5.57535335369399327526E2, 1.02755188689515710272E3, 9.34528527171957607540E2,
                5.26445194995477358631E2, 1.96520832956077098242E2, 4.86371970985681366614E1, 7.46321056442269912687E0,
                5.64189564831068821977E-1, 2.46196981473530512524E-10)
            / Polynomial(a, 5.57535340817727675546E2, 1.65666309194161350182E3, 2.24633760818710981792E3, 1.82390916687909736289E3,
                9.75708501743205489753E2, 3.54937778887819891062E2, 8.67072140885989742329E1, 1.32281951154744992508E1, 1));
        var large = 1 - tail;
        var value = Select(Abs(x) < 1, small, Select(x < 0, -large, large));
        return Select(NotEqual(x, x), x, value);
    }

    // Negative bases have a power for integer exponents only.
    private static Scalar PowOf(Scalar x, Scalar y)
    {
        var magnitude = ExpOf(y * LogOf(Abs(x)));
        var whole = Equal(Floor(y), y);
        var odd = NotEqual(Floor(y * 0.5), y * 0.5);
        var negative = Select(whole, Select(odd, -magnitude, magnitude), double.NaN);
        var value = Select(x < 0, negative, magnitude);
        return Select(Equal(y, 0) | Equal(x, 1), 1, value);
    }

    // atan x = π/2 − atan(1/x) beyond tan 3π/8, π/4 + atan((x − 1) / (x + 1)) in between.
    private static Scalar AtanOf(Scalar x)
    {
        bool wide = IsDouble(x);
        var a = Abs(x);
        var (far, near) = (a > 2.414213562373095, a > (wide ? 0.66 : 0.4142135623730950));
        var r = Select(far, -1 / a, Select(near, (a - 1) / (a + 1), a));
        var z = r * r;
        var q = wide
            ? Polynomial(z, -6.485021904942025371773E1, -1.228866684490136173410E2, -7.500855792314704667340E1, -1.615753718733365076637E1,
                -8.750608600031904122785E-1)
                / Polynomial(z, 1.945506571482613964425E2, 4.853903996359136964868E2, 4.328810604912902668951E2, 1.650270098316988542046E2,
                    2.485846490142306297962E1, 1)
            : Polynomial(z, -3.33329491539E-1, 1.99777106478E-1, -1.38776856032E-1, 8.05374449538E-2);
        // π/2 and π/4 with what their nearest numbers leave out.
        var rest = Fma(r, z * q, r) + Select(far, wide ? 6.123233995736765886130E-17 : -4.37113900018624283e-8,
            Select(near, wide ? 3.061616997868382943065E-17 : -2.18556950009312142e-8, Scalar.Literal(0, x.Type!.Value)));
        var value = Select(far, 1.5707963267948966, Select(near, 0.78539816339744831, Scalar.Literal(0, x.Type!.Value))) + rest;
        return Select(x < 0, -value, value);
    }

    /// <summary>Horner's scheme with one rounding a step; coefficients from the constant upwards.</summary>
    internal static Scalar Polynomial(Scalar x, params double[] coefficients)
    {
        var sum = Scalar.Literal(coefficients[^1], x.Type!.Value);
        for (int i = coefficients.Length - 2; i >= 0; i--)
            sum = Fma(sum, x, coefficients[i]);
        return sum;
    }

    internal static double Factorial(int n)
    {
        double product = 1;
        for (int i = 2; i <= n; i++)
            product *= i;
        return product;
    }
}
