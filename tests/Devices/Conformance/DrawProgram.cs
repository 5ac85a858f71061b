using System.Collections.Immutable;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>Draws scalar programs that use every primitive on every type it takes.</summary>
public sealed class DrawProgram(Draw draw)
{
    private static readonly DType[][] Families =
    [
        [DType.Float32],
        [DType.Float32, DType.Int32, DType.Bool, DType.UInt8],
        [DType.Float32, DType.BFloat16],
        [DType.Float32, DType.BFloat16, DType.Int32, DType.Bool],
        [DType.Float64, DType.Int64, DType.Bool, DType.UInt8],
        [DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Bool, DType.UInt8],
    ];

    private readonly List<ScalarInstruction> steps = [];

    /// <param name="result">The one result's type; null: up to three of any type.</param>
    public ScalarProgram Next(DType? result = null)
    {
        var family = draw.One([.. Families.Where(f => result is null || f.Contains(result.Value))]);
        DType[] arguments = [.. Enumerable.Range(0, 1 + draw.Below(4)).Select(_ => draw.One(family))];
        for (int i = 0; i < arguments.Length; i++)
            steps.Add(new ScalarInstruction(ScalarOp.Argument, arguments[i], Index: i));
        for (int i = draw.Below(12); i > 0; i--)
            Grow(draw.One([.. family.Where(t => t is not (DType.UInt8 or DType.BFloat16))]));
        ImmutableArray<int> results = result is { } type
            ? [Value(type)]
            : [.. Enumerable.Range(0, 1 + draw.Below(3)).Select(_ => Value(draw.One([.. family.Where(t => t != DType.UInt8)])))];
        return new ScalarProgram([.. arguments], [.. steps], results);
    }

    private void Grow(DType type)
    {
        int from = draw.Below(100) switch
        {
            < 15 when steps.Any(s => s.Type != type) => Converted(type),
            < 30 => Step(new ScalarInstruction(ScalarOp.Select, type, Value(DType.Bool), Value(type), Value(type))),
            < 40 => Constant(type),
            _ => -1,
        };
        if (from >= 0)
            return;
        if (type == DType.Bool)
            Logic();
        else if (type.IsFloat())
            Float(type);
        else
            Integer(type);
    }

    private void Float(DType type)
    {
        var op = draw.One(
            ScalarOp.Add, ScalarOp.Subtract, ScalarOp.Multiply, ScalarOp.Divide, ScalarOp.FusedMultiplyAdd, ScalarOp.FusedMultiplyAdd,
            ScalarOp.Negate, ScalarOp.Absolute, ScalarOp.SquareRoot, ScalarOp.Round, ScalarOp.Floor, ScalarOp.ReinterpretFloat);
        _ = op switch
        {
            ScalarOp.ReinterpretFloat => Step(new ScalarInstruction(op, type, Value(type == DType.Float32 ? DType.Int32 : DType.Int64))),
            ScalarOp.FusedMultiplyAdd => Step(new ScalarInstruction(op, type, Value(type), Value(type), Value(type))),
            <= ScalarOp.Divide => Step(new ScalarInstruction(op, type, Value(type), Value(type))),
            _ => Step(new ScalarInstruction(op, type, Value(type))),
        };
    }

    private void Integer(DType type)
    {
        var op = draw.One(
            ScalarOp.Add, ScalarOp.Subtract, ScalarOp.Multiply, ScalarOp.And, ScalarOp.Or, ScalarOp.Xor, ScalarOp.ShiftLeft,
            ScalarOp.ShiftRight, ScalarOp.Divide, ScalarOp.ReinterpretInt);
        _ = op switch
        {
            ScalarOp.ShiftLeft or ScalarOp.ShiftRight => Step(new ScalarInstruction(op, type, Value(type), Index: draw.Below(type.Size() * 8))),
            ScalarOp.Divide => Step(new ScalarInstruction(op, type, Value(type), Step(new ScalarInstruction(ScalarOp.Constant, type, Value: 7)))),
            ScalarOp.ReinterpretInt => Reinterpreted(type),
            _ => Step(new ScalarInstruction(op, type, Value(type), Value(type))),
        };
    }

    private void Logic()
    {
        if (draw.Chance(0.4))
        {
            var op = draw.One(ScalarOp.And, ScalarOp.Or, ScalarOp.Xor, ScalarOp.Not);
            Step(new ScalarInstruction(op, DType.Bool, Value(DType.Bool), op == ScalarOp.Not ? -1 : Value(DType.Bool)));
            return;
        }

        var type = steps[draw.Below(steps.Count)].Type;
        if (type == DType.UInt8)
            type = DType.Bool;
        type = type.Computed();
        var compare = draw.One(ScalarOp.Less, ScalarOp.LessOrEqual, ScalarOp.Equal, ScalarOp.NotEqual);
        Step(new ScalarInstruction(compare, DType.Bool, Value(type), Value(type)));
    }

    // The bits of a NaN are nobody's promise: they stay out of the integers.
    private int Reinterpreted(DType type)
    {
        var floating = type == DType.Int32 ? DType.Float32 : DType.Float64;
        int x = Value(floating);
        int isNumber = Step(new ScalarInstruction(ScalarOp.Equal, DType.Bool, x, x));
        int number = Step(new ScalarInstruction(ScalarOp.Select, floating, isNumber, x, Constant(floating)));
        return Step(new ScalarInstruction(ScalarOp.ReinterpretInt, type, number));
    }

    /// <summary>A value of a type: one that is there, converted if need be.</summary>
    private int Value(DType type)
    {
        int[] known = [.. Enumerable.Range(0, steps.Count).Where(i => steps[i].Type == type)];
        return known.Length == 0 ? Converted(type) : draw.Chance(0.5) ? known[^1] : draw.One(known);
    }

    private int Converted(DType type)
    {
        // Half a float is nothing but that.
        if (type == DType.BFloat16)
            return Step(new ScalarInstruction(ScalarOp.Convert, type, Value(DType.Float32)));
        int from = draw.One([.. Enumerable.Range(0, steps.Count).Where(i => steps[i].Type != type)]);
        if (type != DType.Float32 && steps[from].Type == DType.BFloat16)
            from = Step(new ScalarInstruction(ScalarOp.Convert, DType.Float32, from));
        var source = steps[from].Type;

        // Out of range is unspecified: only numbers of modest size become integers.
        if (source.IsFloat() && type is not (DType.Float32 or DType.Float64 or DType.Bool))
        {
            int size = Step(new ScalarInstruction(ScalarOp.Absolute, source, from));
            int bound = Step(new ScalarInstruction(ScalarOp.Constant, source, Value: 100000));
            int modest = Step(new ScalarInstruction(ScalarOp.Less, DType.Bool, size, bound));
            int zero = Step(new ScalarInstruction(ScalarOp.Constant, source));
            from = Step(new ScalarInstruction(ScalarOp.Select, source, modest, from, zero));
        }

        return Step(new ScalarInstruction(ScalarOp.Convert, type, from));
    }

    private int Constant(DType type) => Step(new ScalarInstruction(
        ScalarOp.Constant, type, Value: type == DType.Bool ? draw.Below(2) : type.IsFloat() ? draw.One(0.5, -0.0, 1.25, -3) : draw.One(0, 1, -7, 255)));

    private int Step(ScalarInstruction step)
    {
        steps.Add(step);
        return steps.Count - 1;
    }
}
