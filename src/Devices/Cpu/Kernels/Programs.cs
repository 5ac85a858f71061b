using System.Collections.Immutable;
using Singa.Actors.Devices.Cpu.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Scalar programs that kernels are put together from.</summary>
internal static class Programs
{
    public static ScalarProgram Constant(DType type, double value) =>
        new([], [new ScalarInstruction(ScalarOp.Constant, type, Value: value)], [0]);

    public static ScalarProgram Copy(DType type) => new([type], [new ScalarInstruction(ScalarOp.Argument, type)], [0]);

    public static ScalarProgram Neutral(Reduction reduction, DType type) => Constant(type, Emit.Neutral.Of(reduction, type));

    /// <summary>
    /// accumulator ← accumulator ∘ f(row 0) ∘ f(row 1) …, one join after the other. Arguments: those of f for each row, then the accumulator.
    /// </summary>
    public static ScalarProgram Accumulate(ScalarProgram f, Reduction reduction, int rows)
    {
        var type = f.Instructions[f.Results[0]].Type;
        int arguments = f.Arguments.Length, length = f.Instructions.Length;
        var steps = ImmutableArray.CreateBuilder<ScalarInstruction>();
        for (int row = 0; row < rows; row++)
        {
            int shift = row * length;
            int Shifted(int operand) => operand < 0 ? operand : operand + shift;
            steps.AddRange(f.Instructions.Select(step => step with
            {
                A = Shifted(step.A),
                B = Shifted(step.B),
                C = Shifted(step.C),
                Index = step.Op == ScalarOp.Argument ? step.Index + row * arguments : step.Index,
            }));
        }

        int sum = steps.Count;
        steps.Add(new ScalarInstruction(ScalarOp.Argument, type, Index: rows * arguments));
        for (int row = 0; row < rows; row++)
        {
            steps.Add(new ScalarInstruction(Join(reduction), type, sum, f.Results[0] + row * length));
            sum = steps.Count - 1;
        }

        return new ScalarProgram([.. Enumerable.Repeat(f.Arguments, rows).SelectMany(a => a), type], steps.ToImmutable(), [sum]);
    }

    private static ScalarOp Join(Reduction reduction) => reduction switch
    {
        Reduction.Sum => ScalarOp.Add,
        Reduction.Maximum => ScalarOp.Maximum,
        _ => ScalarOp.Minimum,
    };
}
