namespace Singa.Actors.Graph.Scalars;

/// <summary>
/// A typed scalar expression: what pointwise ops are written in. Literals take the type of what they meet. Sub-expressions may be
/// shared; <see cref="ScalarBody"/> turns an expression into a program in which they are computed once.
/// </summary>
public sealed class Scalar
{
    internal Scalar(ScalarOp op, DType? type, Scalar? a = null, Scalar? b = null, Scalar? c = null, int index = 0, double value = 0)
    {
        Op = op;
        Type = type;
        A = a;
        B = b;
        C = c;
        Index = index;
        Value = value;
    }

    public ScalarOp Op { get; }

    /// <summary>Null: a literal that has not met anything yet.</summary>
    public DType? Type { get; }

    public Scalar? A { get; }

    public Scalar? B { get; }

    public Scalar? C { get; }

    public int Index { get; }

    public double Value { get; }

    public static Scalar Argument(int index, DType type) => new(ScalarOp.Argument, type, index: index);

    public static Scalar Literal(double value, DType type) => new(ScalarOp.Constant, type, value: value);

    public bool IsLiteral(double value) => Op == ScalarOp.Constant && Value == value && !(value == 0 && double.IsNegative(Value));

    public static implicit operator Scalar(double value) => new(ScalarOp.Constant, null, value: value);

    public static Scalar operator +(Scalar a, Scalar b) =>
        a.IsLiteral(0) && b.Type is not null ? b : b.IsLiteral(0) && a.Type is not null ? a : Binary(ScalarOp.Add, a, b);

    public static Scalar operator -(Scalar a, Scalar b) =>
        b.IsLiteral(0) && a.Type is not null ? a : a.IsLiteral(0) && b.Type is not null ? -b : Binary(ScalarOp.Subtract, a, b);

    public static Scalar operator *(Scalar a, Scalar b) =>
        a.IsLiteral(1) && b.Type is not null ? b : b.IsLiteral(1) && a.Type is not null ? a : Binary(ScalarOp.Multiply, a, b);

    public static Scalar operator /(Scalar a, Scalar b) => b.IsLiteral(1) && a.Type is not null ? a : Binary(ScalarOp.Divide, a, b);

    public static Scalar operator -(Scalar a) => a.Op == ScalarOp.Constant ? new(ScalarOp.Constant, a.Type, value: -a.Value) : Unary(ScalarOp.Negate, a);

    public static Scalar operator <(Scalar a, Scalar b) => Compare(ScalarOp.Less, a, b);

    public static Scalar operator >(Scalar a, Scalar b) => Compare(ScalarOp.Less, b, a);

    public static Scalar operator <=(Scalar a, Scalar b) => Compare(ScalarOp.LessOrEqual, a, b);

    public static Scalar operator >=(Scalar a, Scalar b) => Compare(ScalarOp.LessOrEqual, b, a);

    public static Scalar operator &(Scalar a, Scalar b) => Binary(ScalarOp.And, a, b);

    public static Scalar operator |(Scalar a, Scalar b) => Binary(ScalarOp.Or, a, b);

    public static Scalar operator ^(Scalar a, Scalar b) => Binary(ScalarOp.Xor, a, b);

    public static Scalar operator !(Scalar a) => Unary(ScalarOp.Not, a);

    public static Scalar operator <<(Scalar a, int count) => new(ScalarOp.ShiftLeft, a.Type, a, index: count);

    public static Scalar operator >>(Scalar a, int count) => new(ScalarOp.ShiftRight, a.Type, a, index: count);

    internal static Scalar Unary(ScalarOp op, Scalar a) => new(op, a.Type, a);

    internal static Scalar Binary(ScalarOp op, Scalar a, Scalar b)
    {
        (a, b) = Unify(op, a, b);
        return new(op, a.Type, a, b);
    }

    internal static Scalar Compare(ScalarOp op, Scalar a, Scalar b)
    {
        (a, b) = Unify(op, a, b);
        return new(op, DType.Bool, a, b);
    }

    internal static (Scalar A, Scalar B) Unify(ScalarOp op, Scalar a, Scalar b)
    {
        a = a.Typed(b.Type);
        b = b.Typed(a.Type);
        return a.Type == b.Type ? (a, b)
            : throw new GraphException($"{op} takes two values of one type, not {a.Type} and {b.Type}; convert one of them");
    }

    internal Scalar Typed(DType? type) => Type is null && type is not null && Op == ScalarOp.Constant ? new(Op, type, value: Value) : this;
}
