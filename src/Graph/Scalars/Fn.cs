namespace Singa.Actors.Graph.Scalars;

/// <summary>Functions to write scalar bodies with.</summary>
public static partial class Fn
{
    public static Scalar Fma(Scalar a, Scalar b, Scalar c)
    {
        (a, b) = Scalar.Unify(ScalarOp.FusedMultiplyAdd, a, b);
        return new(ScalarOp.FusedMultiplyAdd, a.Type, a, b, c.Typed(a.Type));
    }

    public static Scalar Abs(Scalar x) => Scalar.Unary(ScalarOp.Absolute, x);

    public static Scalar Sqrt(Scalar x) => Scalar.Unary(ScalarOp.SquareRoot, x);

    /// <summary>To the nearest integer, ties to even.</summary>
    public static Scalar Round(Scalar x) => Scalar.Unary(ScalarOp.Round, x);

    public static Scalar Floor(Scalar x) => Scalar.Unary(ScalarOp.Floor, x);

    public static Scalar Equal(Scalar a, Scalar b) => Scalar.Compare(ScalarOp.Equal, a, b);

    public static Scalar NotEqual(Scalar a, Scalar b) => Scalar.Compare(ScalarOp.NotEqual, a, b);

    public static Scalar Select(Scalar condition, Scalar whenTrue, Scalar whenFalse)
    {
        (whenTrue, whenFalse) = Scalar.Unify(ScalarOp.Select, whenTrue, whenFalse);
        return new(ScalarOp.Select, whenTrue.Type, condition, whenTrue, whenFalse);
    }

    /// <summary>The value in another type; between half a Float32 and any other by way of the whole.</summary>
    public static Scalar Convert(Scalar x, DType type) => x.Type == type ? x
        : (type == DType.BFloat16 && x.Type != DType.Float32) || (x.Type == DType.BFloat16 && type != DType.Float32) ? Convert(Convert(x, DType.Float32), type)
        : new(ScalarOp.Convert, type, x);

    public static Scalar ReinterpretInt(Scalar x) =>
        new(ScalarOp.ReinterpretInt, x.Type == DType.Float64 ? DType.Int64 : DType.Int32, x);

    public static Scalar ReinterpretFloat(Scalar x) =>
        new(ScalarOp.ReinterpretFloat, x.Type == DType.Int64 ? DType.Float64 : DType.Float32, x);

    /// <summary>The larger; a NaN wins.</summary>
    public static Scalar Max(Scalar a, Scalar b) => Scalar.Binary(ScalarOp.Maximum, a, b);

    /// <summary>The smaller; a NaN wins.</summary>
    public static Scalar Min(Scalar a, Scalar b) => Scalar.Binary(ScalarOp.Minimum, a, b);

    public static Scalar Exp(Scalar x) => Scalar.Unary(ScalarOp.Exp, x);

    public static Scalar Log(Scalar x) => Scalar.Unary(ScalarOp.Log, x);

    public static Scalar Tanh(Scalar x) => Scalar.Unary(ScalarOp.Tanh, x);

    /// <summary>1 / (1 + e^−x).</summary>
    public static Scalar Logistic(Scalar x) => Scalar.Unary(ScalarOp.Logistic, x);

    public static Scalar Sin(Scalar x) => Scalar.Unary(ScalarOp.Sin, x);

    public static Scalar Cos(Scalar x) => Scalar.Unary(ScalarOp.Cos, x);

    public static Scalar Erf(Scalar x) => Scalar.Unary(ScalarOp.Erf, x);

    public static Scalar Atan(Scalar x) => Scalar.Unary(ScalarOp.Atan, x);

    public static Scalar Pow(Scalar x, Scalar y) => Scalar.Binary(ScalarOp.Pow, x, y);
}
