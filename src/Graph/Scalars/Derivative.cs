using static Singa.Actors.Graph.Scalars.Fn;

namespace Singa.Actors.Graph.Scalars;

/// <summary>Derivatives of scalar expressions by the chain rule.</summary>
internal static class Derivative
{
    /// <summary>d body / d argument; a literal 0 where the body does not depend on it.</summary>
    public static Scalar Of(Scalar body, int argument)
    {
        var known = new Dictionary<Scalar, Scalar>(ReferenceEqualityComparer.Instance);
        return D(body);

        Scalar D(Scalar x)
        {
            if (known.TryGetValue(x, out var done))
                return done;
            var zero = Scalar.Literal(0, x.Type!.Value);
            return known[x] = x.Op switch
            {
                ScalarOp.Argument => Scalar.Literal(x.Index == argument ? 1 : 0, x.Type.Value),
                _ when !x.Type.Value.IsFloat() => zero,
                ScalarOp.Constant or ScalarOp.Round or ScalarOp.Floor or ScalarOp.ReinterpretFloat => zero,
                ScalarOp.Convert => x.A!.Type!.Value.IsFloat() && D(x.A!) is var da && !da.IsLiteral(0) ? Fn.Convert(da, x.Type.Value) : zero,
                ScalarOp.Add => D(x.A!) + D(x.B!),
                ScalarOp.Subtract => D(x.A!) - D(x.B!),
                ScalarOp.Multiply => Times(x.B!, D(x.A!)) + Times(x.A!, D(x.B!)),
                ScalarOp.FusedMultiplyAdd => Times(x.B!, D(x.A!)) + Times(x.A!, D(x.B!)) + D(x.C!),
                ScalarOp.Divide => (D(x.A!) is var n && n.IsLiteral(0) ? zero : n / x.B!) - (D(x.B!) is var d && d.IsLiteral(0) ? zero : x / x.B! * d),
                ScalarOp.Negate => D(x.A!) is var m && m.IsLiteral(0) ? zero : -m,
                ScalarOp.Absolute => Times(Select(x.A! < 0, -1, Select(x.A! > 0, Scalar.Literal(1, x.Type.Value), 0)), D(x.A!)),
                ScalarOp.SquareRoot => Times(0.5 / x, D(x.A!)),
                ScalarOp.Select => D(x.B!) is var t && D(x.C!) is var f && t.IsLiteral(0) && f.IsLiteral(0) ? zero : Select(x.A!, D(x.B!), D(x.C!)),
                // Of equal values each gets half, so that the pieces still sum to the upstream gradient.
                ScalarOp.Maximum => Pick(x.A! > x.B!, x),
                ScalarOp.Minimum => Pick(x.A! < x.B!, x),
                ScalarOp.Exp => Times(x, D(x.A!)),
                ScalarOp.Log => D(x.A!) is var l && l.IsLiteral(0) ? zero : l / x.A!,
                ScalarOp.Tanh => Times(1 - x * x, D(x.A!)),
                ScalarOp.Logistic => Times(x * (1 - x), D(x.A!)),
                ScalarOp.Sin => Times(Cos(x.A!), D(x.A!)),
                ScalarOp.Cos => Times(-Sin(x.A!), D(x.A!)),
                ScalarOp.Erf => Times(Exp(-(x.A! * x.A!)) * 1.1283791670955126, D(x.A!)),
                ScalarOp.Atan => Times(1 / (1 + x.A! * x.A!), D(x.A!)),
                ScalarOp.Pow => Times(x.B! * Pow(x.A!, x.B! - 1), D(x.A!)) + Times(x * Log(x.A!), D(x.B!)),
                _ => throw new GraphException($"no derivative of {x.Op}"),
            };

            Scalar Pick(Scalar first, Scalar of) =>
                Times(Select(first, 1, Select(Equal(of.A!, of.B!), Scalar.Literal(0.5, of.Type!.Value), 0)), D(of.A!))
                + Times(Select(first, 0, Select(Equal(of.A!, of.B!), Scalar.Literal(0.5, of.Type!.Value), 1)), D(of.B!));
        }
    }

    private static Scalar Times(Scalar factor, Scalar derivative) =>
        derivative.IsLiteral(0) ? derivative : factor.IsLiteral(0) ? Scalar.Literal(0, derivative.Type!.Value) : factor * derivative;
}
