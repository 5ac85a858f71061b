using System.Reflection.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// Writes the instructions of a scalar program as IL, for vectors or for single lanes. Bool is a mask in vectors, 0 or 1 in
/// single lanes; UInt8 has been widened to integers of the lane's size, or to int in single lanes, BFloat16 to float.
/// </summary>
internal sealed class LaneProgram(ILGenerator il, ScalarProgram program, VectorWidth? width, int laneSize)
{
    // Fewer stay in registers, with room for what is computed.
    private const int ConstantsFew = 8;

    private readonly LocalBuilder?[] values = new LocalBuilder?[program.Instructions.Length];
    private LocalBuilder? constants;

    /// <summary>
    /// Bytes of the one lane size that all values have, so that the program can run in vectors; 0 where there is none.
    /// </summary>
    public static int LaneSize(ScalarProgram program)
    {
        int size = 0;
        foreach (var step in program.Instructions)
        {
            if (step.Type == DType.Bool)
                continue;
            bool integerDivision = step.Op == ScalarOp.Divide && !step.Type.IsFloat();
            bool byteResult = step.Type == DType.UInt8 && step.Op != ScalarOp.Argument;
            int own = step.Type == DType.UInt8 ? size : step.Type.Computed().Size();
            if (integerDivision || byteResult || (size != 0 && own != size))
                return 0;
            size = own;
        }

        foreach (int result in program.Results)
        {
            if (program.Instructions[result].Type == DType.UInt8)
                return 0;
        }

        return size == 0 ? 4 : size;
    }

    /// <summary>How values of a type look in this program's lanes.</summary>
    public Simd Lanes(DType type) => type switch
    {
        DType.Bool or DType.UInt8 when width is null => Simd.Of(DType.Int32, null),
        DType.Bool or DType.UInt8 => Simd.Of(laneSize == 4 ? DType.Int32 : DType.Int64, width),
        _ => Simd.Of(type.Computed(), width),
    };

    /// <summary>Before any loop.</summary>
    public void Begin()
    {
        bool isNarrow = width is VectorWidth.V256 or VectorWidth.V128;
        constants = isNarrow && program.Instructions.Count(step => step.Op == ScalarOp.Constant) > ConstantsFew ? ConstantPool.Begin(il) : null;
    }

    /// <summary>Writes all instructions and answers where the results are.</summary>
    /// <param name="load">Pushes the value of argument number i.</param>
    public LocalBuilder[] Emit(Action<int> load)
    {
        for (int i = 0; i < values.Length; i++)
        {
            var step = program.Instructions[i];
            // Of a pool: where it is used.
            if (step.Op == ScalarOp.Constant && constants is not null && !program.Results.Contains(i))
                continue;
            if (step.Op == ScalarOp.Argument)
                load(step.Index);
            else
                Step(step);
            values[i] ??= il.DeclareLocal(Lanes(step.Type).Value);
            il.Emit(OpCodes.Stloc, values[i]!);
        }

        var results = new LocalBuilder[program.Results.Length];
        for (int i = 0; i < results.Length; i++)
            results[i] = values[program.Results[i]]!;
        return results;
    }

    private void Step(ScalarInstruction step)
    {
        var simd = Lanes(step.Type);
        if (step.Op == ScalarOp.Select)
        {
            simd.Select(il, () => Push(step.A), () => Push(step.B), () => Push(step.C));
            return;
        }

        var operands = step.A < 0 ? step.Type : program.Instructions[step.A].Type;
        var lanes = Lanes(operands);

        // Of masks −1 is the greater truth, of numbers 1 is.
        bool swap = operands == DType.Bool && width is not null && step.Op is ScalarOp.Less or ScalarOp.LessOrEqual;
        Push(swap ? step.B : step.A);
        Push(swap ? step.A : step.B);
        Push(step.C);
        switch (step.Op)
        {
            case ScalarOp.Constant: Constant(step); break;
            case ScalarOp.Add: simd.Add(il); break;
            case ScalarOp.Subtract: simd.Subtract(il); break;
            case ScalarOp.Multiply: simd.Multiply(il); break;
            case ScalarOp.Divide: simd.Divide(il); break;
            case ScalarOp.FusedMultiplyAdd: simd.FusedMultiplyAdd(il); break;
            case ScalarOp.Negate: simd.Negate(il); break;
            case ScalarOp.Absolute: simd.Absolute(il); break;
            case ScalarOp.SquareRoot: simd.SquareRoot(il); break;
            case ScalarOp.Round: simd.Round(il); break;
            case ScalarOp.Floor: simd.Floor(il); break;
            case ScalarOp.Maximum: simd.Maximum(il); break;
            case ScalarOp.Minimum: simd.Minimum(il); break;
            case ScalarOp.Less: lanes.Less(il); break;
            case ScalarOp.LessOrEqual: lanes.LessOrEqual(il); break;
            case ScalarOp.Equal: lanes.Equal(il); break;
            case ScalarOp.NotEqual: lanes.Equal(il); lanes.NotMask(il); break;
            case ScalarOp.And: simd.And(il); break;
            case ScalarOp.Or: simd.Or(il); break;
            case ScalarOp.Xor: simd.Xor(il); break;
            case ScalarOp.Not: simd.NotMask(il); break;
            case ScalarOp.ShiftLeft: simd.ShiftLeft(il, step.Index); break;
            case ScalarOp.ShiftRight: simd.ShiftRightArithmetic(il, step.Index); break;
            case ScalarOp.ReinterpretFloat: lanes.AsFloating(il); break;
            case ScalarOp.ReinterpretInt: lanes.AsInteger(il); break;
            case ScalarOp.Convert: LaneConversion.Emit(il, lanes, operands, simd, step.Type); break;
            default: throw new ArgumentException($"{step.Op} is no primitive: the graph spells it in primitives before a backend sees it");
        }
    }

    private void Constant(ScalarInstruction step)
    {
        var simd = Lanes(step.Type);
        double value = step.Type == DType.Bool && step.Value != 0 ? width is null ? 1 : -1 : step.Value;
        if (constants is null)
            simd.Constant(il, value);
        else
            ConstantPool.Load(il, constants, simd, value);
    }

    private void Push(int value)
    {
        if (value < 0)
            return;
        if (values[value] is { } local)
            il.Emit(OpCodes.Ldloc, local);
        else
            Constant(program.Instructions[value]);
    }
}
