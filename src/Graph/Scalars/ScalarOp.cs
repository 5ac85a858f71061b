namespace Singa.Actors.Graph.Scalars;

/// <summary>
/// The operations a scalar body is made of. Those up to <see cref="ReinterpretInt"/> are primitives: every backend implements
/// them, each correctly rounded or exact, so that their bits agree everywhere. The functions after them are what people write;
/// <see cref="Expansion"/> spells them in primitives before a backend sees them.
/// </summary>
public enum ScalarOp : byte
{
    /// <summary>Argument number <c>Index</c>.</summary>
    Argument,

    /// <summary>A literal.</summary>
    Constant,

    // Arithmetic on two values of one type.
    Add,
    Subtract,
    Multiply,
    Divide,

    /// <summary>Floating: a·b + c rounded once.</summary>
    FusedMultiplyAdd,

    // Floating, one operand. Round is to nearest, ties to even.
    Negate,
    Absolute,
    SquareRoot,
    Round,
    Floor,

    // Comparisons of two values of one type give Bool; with a NaN each is false, NotEqual true.
    Less,
    LessOrEqual,
    Equal,
    NotEqual,

    // Logic on Bool; And, Or and Xor also on the bits of Int32 and Int64.
    And,
    Or,
    Xor,
    Not,

    /// <summary>a ? b : c with a Bool.</summary>
    Select,

    /// <summary>Integers shifted left by the constant in <c>Index</c>.</summary>
    ShiftLeft,

    /// <summary>Integers shifted right, sign-extending, by the constant in <c>Index</c>.</summary>
    ShiftRight,

    /// <summary>Value to the instruction's type; float to integer truncates, out of range is unspecified. To BFloat16 (the nearest, ties to even) and from it only Float32 goes.</summary>
    Convert,

    /// <summary>The bits of an Int32 / Int64 as Float32 / Float64.</summary>
    ReinterpretFloat,

    /// <summary>The bits of a Float32 / Float64 as Int32 / Int64.</summary>
    ReinterpretInt,

    // Functions of floating values.
    Maximum,
    Minimum,
    Exp,
    Log,
    Tanh,
    Logistic,
    Sin,
    Cos,
    Erf,
    Pow,
    Atan,
}
