using Singa.Actors.Graph;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>What a scalar program means, one instruction after the other.</summary>
public static class Interpreter
{
    public static Value[] Run(ScalarProgram program, ReadOnlySpan<Value> arguments)
    {
        var values = new Value[program.Instructions.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var step = program.Instructions[i];
            values[i] = step.Op == ScalarOp.Argument ? arguments[step.Index] : Step(
                step,
                step.A < 0 ? default : values[step.A],
                step.B < 0 ? default : values[step.B],
                step.C < 0 ? default : values[step.C]);
        }

        return [.. program.Results.Select(r => values[r])];
    }

    private static Value Step(ScalarInstruction step, Value a, Value b, Value c) => step.Op switch
    {
        ScalarOp.Constant => step.Type.IsFloat() ? Value.Float(step.Type, step.Value) : Value.Int(step.Type, (long)step.Value),
        ScalarOp.Add => a + b,
        ScalarOp.Subtract => a - b,
        ScalarOp.Multiply => a * b,
        ScalarOp.Divide => a / b,
        ScalarOp.FusedMultiplyAdd => Value.Fma(a, b, c),
        ScalarOp.Negate => a.Type.IsFloat() ? Value.Float(a.Type, -a.Number) : Value.Int(a.Type, -a.Integer),
        ScalarOp.Absolute => a.Type.IsFloat() ? Value.Float(a.Type, Math.Abs(a.Number)) : Value.Int(a.Type, Math.Abs(a.Integer)),
        ScalarOp.SquareRoot => Value.Float(a.Type, a.Type == DType.Float32 ? MathF.Sqrt((float)a.Number) : Math.Sqrt(a.Number)),
        ScalarOp.Round => Value.Float(a.Type, Math.Round(a.Number, MidpointRounding.ToEven)),
        ScalarOp.Floor => Value.Float(a.Type, Math.Floor(a.Number)),
        ScalarOp.Less => Value.Of(Value.Less(a, b)),
        ScalarOp.LessOrEqual => Value.Of(Value.Less(a, b) || Value.Same(a, b)),
        ScalarOp.Equal => Value.Of(Value.Same(a, b)),
        ScalarOp.NotEqual => Value.Of(!Value.Same(a, b)),
        ScalarOp.And => Value.Int(a.Type, a.Integer & b.Integer),
        ScalarOp.Or => Value.Int(a.Type, a.Integer | b.Integer),
        ScalarOp.Xor => Value.Int(a.Type, a.Integer ^ b.Integer),
        ScalarOp.Not => Value.Of(!a.IsTrue),
        ScalarOp.Select => a.IsTrue ? b : c,
        ScalarOp.ShiftLeft => Value.Int(a.Type, a.Integer << step.Index),
        ScalarOp.ShiftRight => Value.Int(a.Type, a.Integer >> step.Index),
        ScalarOp.Convert => Convert(a, step.Type),
        ScalarOp.ReinterpretFloat => step.Type == DType.Float32
            ? Value.Float(step.Type, BitConverter.Int32BitsToSingle((int)a.Integer))
            : Value.Float(step.Type, BitConverter.Int64BitsToDouble(a.Integer)),
        ScalarOp.ReinterpretInt => step.Type == DType.Int32
            ? Value.Int(step.Type, BitConverter.SingleToInt32Bits((float)a.Number))
            : Value.Int(step.Type, BitConverter.DoubleToInt64Bits(a.Number)),
        _ => throw new ArgumentException($"{step.Op} is no primitive"),
    };

    private static Value Convert(Value a, DType type) => (Value.IsNumber(a.Type), Value.IsNumber(type)) switch
    {
        (true, true) => Value.Float(type, a.Number),
        (false, true) => Value.Float(type, type == DType.Float32 ? (float)a.Integer : (double)a.Integer),
        (true, false) when type == DType.Bool => Value.Of(a.Number != 0),
        (true, false) => Value.Int(type, (long)a.Number),
        _ => Value.Int(type, a.Integer),
    };
}
