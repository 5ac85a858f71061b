namespace Singa.Actors.Graph.Scalars;

/// <summary>Computes a program for one point on the host: for folding constants, and to check backends against.</summary>
public static class ScalarEvaluator
{
    /// <summary>Results as doubles, each exactly what the program's type holds.</summary>
    public static double[] Evaluate(ScalarProgram program, ReadOnlySpan<double> arguments)
    {
        var integers = new long[arguments.Length];
        for (int i = 0; i < integers.Length; i++)
            integers[i] = program.Arguments[i].Computed().IsFloat() ? 0 : (long)arguments[i];
        var results = Evaluate(ScalarBody.Expand(program), arguments, integers);
        return [.. results.Select((r, i) => program.Instructions[program.Results[i]].Type.Computed().IsFloat() ? r.Float : r.Integer)];
    }

    /// <summary>Of a program in primitives; floating arguments and results are in the first list, all others, exact to 64 bits, in the second.</summary>
    internal static (double Float, long Integer)[] Evaluate(ScalarProgram program, ReadOnlySpan<double> arguments, ReadOnlySpan<long> whole)
    {
        var floats = new double[program.Instructions.Length];
        var integers = new long[program.Instructions.Length];
        for (int i = 0; i < floats.Length; i++)
        {
            var it = program.Instructions[i];
            if (it.Type.Computed().IsFloat())
                floats[i] = Float(it, arguments, floats, integers, program);
            else
                integers[i] = it.Op == ScalarOp.Argument ? whole[it.Index] : Integer(it, floats, integers, program);
        }

        var results = new (double, long)[program.Results.Length];
        for (int i = 0; i < results.Length; i++)
            results[i] = (floats[program.Results[i]], integers[program.Results[i]]);
        return results;
    }

    private static double Float(ScalarInstruction it, ReadOnlySpan<double> arguments, double[] f, long[] n, ScalarProgram program)
    {
        bool wide = it.Type == DType.Float64;
        double value = it.Op switch
        {
            ScalarOp.Argument => arguments[it.Index],
            ScalarOp.Constant => it.Value,
            ScalarOp.Add => f[it.A] + f[it.B],
            ScalarOp.Subtract => f[it.A] - f[it.B],
            ScalarOp.Multiply => f[it.A] * f[it.B],
            ScalarOp.Divide => wide ? f[it.A] / f[it.B] : (float)f[it.A] / (float)f[it.B],
            ScalarOp.FusedMultiplyAdd => wide ? Math.FusedMultiplyAdd(f[it.A], f[it.B], f[it.C])
                : MathF.FusedMultiplyAdd((float)f[it.A], (float)f[it.B], (float)f[it.C]),
            ScalarOp.Negate => -f[it.A],
            ScalarOp.Absolute => Math.Abs(f[it.A]),
            ScalarOp.SquareRoot => wide ? Math.Sqrt(f[it.A]) : MathF.Sqrt((float)f[it.A]),
            ScalarOp.Round => Math.Round(f[it.A], MidpointRounding.ToEven),
            ScalarOp.Floor => Math.Floor(f[it.A]),
            ScalarOp.Select => n[it.A] != 0 ? f[it.B] : f[it.C],
            ScalarOp.Convert => program.Instructions[it.A].Type.Computed().IsFloat() ? f[it.A] : n[it.A],
            ScalarOp.ReinterpretFloat => wide ? BitConverter.Int64BitsToDouble(n[it.A]) : BitConverter.Int32BitsToSingle((int)n[it.A]),
            _ => throw new ArgumentOutOfRangeException(nameof(it), it.Op, "not a primitive on floats"),
        };
        // One rounding to float32 after a double +, − or × of two float32 values is the correctly rounded float32 result.
        return wide ? value : it.Type == DType.BFloat16 ? BFloat16.Round((float)value) : (float)value;
    }

    private static long Integer(ScalarInstruction it, double[] f, long[] n, ScalarProgram program)
    {
        bool floats = it.A >= 0 && program.Instructions[it.A].Type.IsFloat();
        long value = it.Op switch
        {
            ScalarOp.Constant => (long)it.Value,
            ScalarOp.Add => n[it.A] + n[it.B],
            ScalarOp.Subtract => n[it.A] - n[it.B],
            ScalarOp.Multiply => n[it.A] * n[it.B],
            ScalarOp.Divide => n[it.A] / n[it.B],
            ScalarOp.Negate => -n[it.A],
            ScalarOp.Absolute => Math.Abs(n[it.A]),
            ScalarOp.Less => (floats ? f[it.A] < f[it.B] : n[it.A] < n[it.B]) ? 1 : 0,
            ScalarOp.LessOrEqual => (floats ? f[it.A] <= f[it.B] : n[it.A] <= n[it.B]) ? 1 : 0,
            ScalarOp.Equal => (floats ? f[it.A] == f[it.B] : n[it.A] == n[it.B]) ? 1 : 0,
            ScalarOp.NotEqual => (floats ? f[it.A] != f[it.B] : n[it.A] != n[it.B]) ? 1 : 0,
            ScalarOp.And => n[it.A] & n[it.B],
            ScalarOp.Or => n[it.A] | n[it.B],
            ScalarOp.Xor => n[it.A] ^ n[it.B],
            ScalarOp.Not => it.Type == DType.Bool ? 1 - n[it.A] : ~n[it.A],
            ScalarOp.Select => n[it.A] != 0 ? n[it.B] : n[it.C],
            ScalarOp.ShiftLeft => n[it.A] << it.Index,
            ScalarOp.ShiftRight => n[it.A] >> it.Index,
            ScalarOp.Convert when it.Type == DType.Bool => (floats ? f[it.A] != 0 : n[it.A] != 0) ? 1 : 0,
            ScalarOp.Convert => floats ? (long)f[it.A] : n[it.A],
            ScalarOp.ReinterpretInt => it.Type == DType.Int64 ? BitConverter.DoubleToInt64Bits(f[it.A]) : BitConverter.SingleToInt32Bits((float)f[it.A]),
            _ => throw new ArgumentOutOfRangeException(nameof(it), it.Op, "not a primitive on integers"),
        };
        return it.Type switch
        {
            DType.Int32 => (int)value,
            DType.UInt8 => (byte)value,
            _ => value,
        };
    }
}
