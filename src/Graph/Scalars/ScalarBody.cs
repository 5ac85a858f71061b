using System.Collections.Immutable;

namespace Singa.Actors.Graph.Scalars;

/// <summary>Between expressions, which people and derivatives write, and programs, which are compared, fused and compiled.</summary>
public static class ScalarBody
{
    /// <summary>The program of some expressions: equal sub-expressions are computed once, what is not needed is absent.</summary>
    public static ScalarProgram Compile(ImmutableArray<DType> arguments, params ReadOnlySpan<Scalar> results)
    {
        var instructions = ImmutableArray.CreateBuilder<ScalarInstruction>();
        var numbers = new Dictionary<ScalarInstruction, int>();
        var visited = new Dictionary<Scalar, int>(ReferenceEqualityComparer.Instance);
        var indices = ImmutableArray.CreateBuilder<int>();
        foreach (var result in results)
            indices.Add(Visit(result));
        return new ScalarProgram(arguments, instructions.ToImmutable(), indices.ToImmutable());

        int Visit(Scalar? x)
        {
            if (x is null)
                return -1;
            if (visited.TryGetValue(x, out int known))
                return known;
            int a = Visit(x.A), b = Visit(x.B), c = Visit(x.C);
            var type = x.Type ?? throw new GraphException("a scalar body is a bare literal: give it a type");
            var instruction = new ScalarInstruction(x.Op, type, a, b, c, x.Index, x.Value);
            if (!numbers.TryGetValue(instruction, out int number))
            {
                numbers[instruction] = number = instructions.Count;
                instructions.Add(instruction);
            }

            return visited[x] = number;
        }
    }

    /// <summary>The expressions of a program's results over the given arguments: substitution is how two bodies become one.</summary>
    public static ImmutableArray<Scalar> Inline(ScalarProgram program, ReadOnlySpan<Scalar> arguments)
    {
        var values = new Scalar[program.Instructions.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var it = program.Instructions[i];
            values[i] = it.Op switch
            {
                ScalarOp.Argument => arguments[it.Index],
                // Through the operators, which drop what a literal makes trivial.
                ScalarOp.Add => values[it.A] + values[it.B],
                ScalarOp.Subtract => values[it.A] - values[it.B],
                ScalarOp.Multiply => values[it.A] * values[it.B],
                ScalarOp.Divide => values[it.A] / values[it.B],
                ScalarOp.Negate => -values[it.A],
                _ => new Scalar(it.Op, it.Type, At(it.A), At(it.B), At(it.C), it.Index, it.Value),
            };
        }

        return [.. program.Results.Select(r => values[r])];

        Scalar? At(int index) => index < 0 ? null : values[index];
    }

    /// <summary>The program with functions spelled in primitives: what backends receive.</summary>
    public static ScalarProgram Expand(ScalarProgram program)
    {
        if (program.Instructions.All(i => i.Op <= ScalarOp.ReinterpretInt))
            return program;
        var values = new Scalar[program.Instructions.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var it = program.Instructions[i];
            values[i] = it.Op > ScalarOp.ReinterpretInt
                ? Expansion.Expand(it.Op, values[it.A], it.B < 0 ? null : values[it.B])
                : new Scalar(it.Op, it.Type, At(it.A), At(it.B), At(it.C), it.Index, it.Value);
        }

        return Compile(program.Arguments, [.. program.Results.Select(r => values[r])]);

        Scalar? At(int index) => index < 0 ? null : values[index];
    }

    /// <summary>The expression with one sub-expression, found by identity, replaced.</summary>
    public static Scalar Substitute(Scalar expression, Scalar old, Scalar replacement)
    {
        var known = new Dictionary<Scalar, Scalar>(ReferenceEqualityComparer.Instance) { [old] = replacement };
        return Visit(expression)!;

        Scalar? Visit(Scalar? x)
        {
            if (x is null)
                return null;
            if (known.TryGetValue(x, out var done))
                return done;
            var (a, b, c) = (Visit(x.A), Visit(x.B), Visit(x.C));
            return known[x] = a == x.A && b == x.B && c == x.C ? x : new Scalar(x.Op, x.Type, a, b, c, x.Index, x.Value);
        }
    }

    /// <summary>The program over only those arguments it reads, and which they are.</summary>
    public static (ImmutableArray<int> Used, ScalarProgram Program) Narrow(ScalarProgram program)
    {
        var used = program.Instructions.Where(i => i.Op == ScalarOp.Argument).Select(i => i.Index).Distinct().Order().ToImmutableArray();
        var arguments = new Scalar[program.Arguments.Length];
        for (int i = 0; i < used.Length; i++)
            arguments[used[i]] = Scalar.Argument(i, program.Arguments[used[i]]);
        return (used, Compile([.. used.Select(i => program.Arguments[i])], Inline(program, arguments).AsSpan()));
    }
}
