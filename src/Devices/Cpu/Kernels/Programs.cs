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

    /// <summary>The nearest that a BFloat16 holds.</summary>
    public static ScalarProgram Round { get; } = new([DType.Float32], [
        new ScalarInstruction(ScalarOp.Argument, DType.Float32), new ScalarInstruction(ScalarOp.Convert, DType.BFloat16, 0),
        new ScalarInstruction(ScalarOp.Convert, DType.Float32, 1)], [2]);

    public static ScalarProgram Neutral(Reduction reduction, DType type) => Constant(type, Emit.Neutral.Of(reduction, type));

    /// <summary>
    /// accumulator ← accumulator ∘ f(row 0) ∘ f(row 1) …, one join after the other. Arguments: those of f for each row, then the accumulator.
    /// </summary>
    public static ScalarProgram Accumulate(ScalarProgram f, Reduction reduction, int rows)
    {
        var type = f.Instructions[f.Results[0]].Type;
        int arguments = f.Arguments.Length, length = f.Instructions.Length, count = rows * length;
        var types = new DType[rows * arguments + 1];
        var steps = new ScalarInstruction[count + 1 + rows];
        types[^1] = type;
        steps[count] = new ScalarInstruction(ScalarOp.Argument, type, Index: rows * arguments);
        for (int row = 0, sum = count; row < rows; row++, sum++)
        {
            f.Arguments.CopyTo(types, row * arguments);
            for (int i = 0; i < length; i++)
                steps[row * length + i] = Shifted(f.Instructions[i], row * length, row * arguments);
            steps[sum + 1] = new ScalarInstruction(Join(reduction), type, sum, f.Results[0] + row * length);
        }

        return new ScalarProgram([.. types], [.. steps], [count + rows]);
    }

    private static ScalarInstruction Shifted(ScalarInstruction step, int by, int arguments) => step with
    {
        A = step.A < 0 ? step.A : step.A + by,
        B = step.B < 0 ? step.B : step.B + by,
        C = step.C < 0 ? step.C : step.C + by,
        Index = step.Op == ScalarOp.Argument ? step.Index + arguments : step.Index,
    };

    private static ScalarOp Join(Reduction reduction) => reduction switch
    {
        Reduction.Sum => ScalarOp.Add,
        Reduction.Maximum => ScalarOp.Maximum,
        _ => ScalarOp.Minimum,
    };
}
