using System.Collections.Immutable;

namespace Singa.Actors.Graph.Scalars;

/// <summary>
/// One primitive step: operands are indices of earlier instructions, unused ones −1. <c>Index</c> is the argument's number
/// or a shift's count; <c>Value</c> a constant (Int64 constants are exact to 2^53; Bool is 0 or 1).
/// </summary>
public readonly record struct ScalarInstruction(ScalarOp Op, DType Type, int A = -1, int B = -1, int C = -1, int Index = 0, double Value = 0);

/// <summary>
/// A pointwise computation in static single assignment over primitives: what a backend prints or compiles. Argument i has type
/// <c>Arguments[i]</c> (the type of the tensor's element; UInt8 and BFloat16 only feed Convert); result j is the value of instruction <c>Results[j]</c>.
/// </summary>
public sealed record ScalarProgram(
    ImmutableArray<DType> Arguments, ImmutableArray<ScalarInstruction> Instructions, ImmutableArray<int> Results)
{
    public bool Equals(ScalarProgram? other) => other is not null
        && Arguments.AsSpan().SequenceEqual(other.Arguments.AsSpan())
        && Instructions.AsSpan().SequenceEqual(other.Instructions.AsSpan())
        && Results.AsSpan().SequenceEqual(other.Results.AsSpan());

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var instruction in Instructions)
            hash.Add(instruction);
        return hash.ToHashCode();
    }
}
