using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>
/// Scalar programs as functions: an instruction a node. Reading one gives the very program again. What standard operators lack are
/// functions of domain <c>singa</c>.
/// </summary>
internal static class ScalarForm
{
    private static readonly ImmutableDictionary<ScalarOp, string> Standard = new Dictionary<ScalarOp, string>
    {
        [ScalarOp.Add] = "Add", [ScalarOp.Subtract] = "Sub", [ScalarOp.Multiply] = "Mul", [ScalarOp.Divide] = "Div", [ScalarOp.Negate] = "Neg",
        [ScalarOp.Absolute] = "Abs", [ScalarOp.SquareRoot] = "Sqrt", [ScalarOp.Round] = "Round", [ScalarOp.Floor] = "Floor", [ScalarOp.Less] = "Less",
        [ScalarOp.LessOrEqual] = "LessOrEqual", [ScalarOp.Equal] = "Equal", [ScalarOp.And] = "And", [ScalarOp.Or] = "Or", [ScalarOp.Xor] = "Xor",
        [ScalarOp.Not] = "Not", [ScalarOp.Select] = "Where", [ScalarOp.Convert] = "Cast", [ScalarOp.Maximum] = "Max", [ScalarOp.Minimum] = "Min",
        [ScalarOp.Exp] = "Exp", [ScalarOp.Log] = "Log", [ScalarOp.Tanh] = "Tanh", [ScalarOp.Logistic] = "Sigmoid", [ScalarOp.Sin] = "Sin",
        [ScalarOp.Cos] = "Cos", [ScalarOp.Erf] = "Erf", [ScalarOp.Pow] = "Pow", [ScalarOp.Atan] = "Atan",
    }.ToImmutableDictionary();

    private static readonly ImmutableDictionary<ScalarOp, string> Bitwise = new Dictionary<ScalarOp, string>
    {
        [ScalarOp.And] = "BitwiseAnd", [ScalarOp.Or] = "BitwiseOr", [ScalarOp.Xor] = "BitwiseXor",
    }.ToImmutableDictionary();

    private static readonly ImmutableDictionary<string, ScalarOp> ByName =
        Standard.Concat(Bitwise).ToImmutableDictionary(p => p.Value, p => p.Key);

    private static readonly ImmutableDictionary<string, ScalarOp> Own = new[]
    {
        ScalarOp.NotEqual, ScalarOp.FusedMultiplyAdd, ScalarOp.ShiftLeft, ScalarOp.ShiftRight, ScalarOp.ReinterpretFloat, ScalarOp.ReinterpretInt,
    }.ToImmutableDictionary(o => o.ToString());

    // Programs are walked by recursion.
    private const int StepsMax = 4096;

    public static FunctionProto Write(ScalarProgram program, FunctionLibrary functions)
    {
        var draft = new FunctionDraft(program.Arguments.Select((_, i) => $"a{i}"), ["y"], "label");
        var names = program.Instructions.Select((instruction, i) => instruction.Op == ScalarOp.Argument ? $"a{instruction.Index}" : $"v{i}").ToArray();
        for (int i = 0; i < names.Length; i++)
        {
            var it = program.Instructions[i];
            string inputs = string.Join(", ", new[] { it.A, it.B, it.C }.Where(o => o >= 0).Select(o => names[o]));
            switch (it.Op)
            {
                case ScalarOp.Argument:
                    break;
                case ScalarOp.Constant:
                    draft.Node($"{names[i]} = Constant()", Attributes.Value("value", Literal(it.Type, it.Value)));
                    if (it.Type.IsFloat() && Attributes.Exact("value", it.Value) is { } exact && it.Type == DType.Float32)
                        draft.Function.Node[^1].MetadataProps.Add(exact);
                    break;
                case ScalarOp.Convert:
                    draft.Node($"{names[i]} = Cast({inputs})", Attributes.Int("to", (int)ElementTypes.Of(it.Type)));
                    break;
                default:
                    if (Own.ContainsKey(it.Op.ToString()))
                        draft.Node($"{names[i]} = singa.{Called(it.Op, functions)}({inputs})", it.Op is ScalarOp.ShiftLeft or ScalarOp.ShiftRight ? [Attributes.Int("count", it.Index)] : []);
                    else
                        draft.Node($"{names[i]} = {(it.Type != DType.Bool && Bitwise.TryGetValue(it.Op, out var bits) ? bits : Standard[it.Op])}({inputs})");
                    break;
            }
        }

        return draft.Node($"y = Identity({names[program.Results[0]]})").Function;
    }

    /// <exception cref="OnnxException">The function is no such program.</exception>
    public static ScalarProgram Read(FunctionProto function, ImmutableArray<DType> arguments)
    {
        if (function.Node.Count > StepsMax)
            throw new OnnxException($"function {function.Name} has {function.Node.Count:N0} nodes; {StepsMax:N0} is the most of a scalar program");
        if (function.Input.Count != arguments.Length || function.Output.Count != 1)
            throw new OnnxException($"function {function.Name} takes {function.Input.Count} inputs, not {arguments.Length}, and gives {function.Output.Count} results");
        var values = new Dictionary<string, Scalar>(StringComparer.Ordinal);
        for (int i = 0; i < arguments.Length; i++)
            values[function.Input[i]] = Scalar.Argument(i, arguments[i]);
        foreach (var node in function.Node)
        {
            ImmutableArray<Scalar> inputs = [.. node.Input.Select(name => values.TryGetValue(name, out var value) ? value : throw Wrong($"reads '{name}', which nothing before it makes"))];
            if (node.Output.Count != 1 || !values.TryAdd(node.Output[0], Value(node, inputs)))
                throw Wrong("gives other than one new result");

            OnnxException Wrong(string what) => new($"node {node.OpType} of function {function.Name} {what}");
        }

        return values.TryGetValue(function.Output[0], out var result) ? ScalarBody.Compile(arguments, result)
            : throw new OnnxException($"function {function.Name} makes no '{function.Output[0]}'");
    }

    /// <summary>What an operator of ours is in standard ones; null for those that no standard operator of the version can say.</summary>
    private static string Called(ScalarOp op, FunctionLibrary functions)
    {
        FunctionProto? body = op switch
        {
            ScalarOp.NotEqual => new FunctionDraft(["a", "b"], ["y"]).Node("e = Equal(a, b)").Node("y = Not(e)").Function,
            ScalarOp.FusedMultiplyAdd => new FunctionDraft(["a", "b", "c"], ["y"]).Node("p = Mul(a, b)").Node("y = Add(p, c)").Function,
            ScalarOp.ShiftLeft => Shift("Mul(x, by)"),
            ScalarOp.ShiftRight => Shift("Div(x, by)"),
            _ => null,
        };
        return body is null ? op.ToString() : functions.Add(op.ToString(), body);

        // Exact where a double holds the number.
        static FunctionProto Shift(string by) => new FunctionDraft(["a"], ["y"], "count")
            .Node("n = Constant()", Attributes.Of("value_int", AttributeProto.Types.AttributeType.Int, "count")).Node("e = Cast(n)", Attributes.Int("to", (int)ElementType.Double))
            .Node("two = Constant()", Attributes.Value("value", Literal(DType.Float64, 2))).Node("by = Pow(two, e)")
            .Node("x = Cast(a)", Attributes.Int("to", (int)ElementType.Double)).Node($"q = {by}").Node("f = Floor(q)").Node("y = CastLike(f, a)").Function;
    }

    private static Scalar Value(NodeProto node, ImmutableArray<Scalar> inputs)
    {
        if (node.OpType == "Identity" && inputs.Length == 1)
            return inputs[0];
        if (node.OpType == "Constant")
            return Literal(node);
        bool own = node.Domain == FunctionDraft.SingaDomain;
        if (!(own ? Own : ByName).TryGetValue(own ? Kind(node.OpType) : node.OpType, out var op) || inputs.Length != Arity(op))
            throw new OnnxException($"{node.OpType} of {inputs.Length} inputs is no step of a scalar program");
        long number = node.Attribute.FirstOrDefault()?.I ?? 0;
        var first = inputs[0].Type ?? throw new OnnxException("a scalar has no type");
        DType type = op switch
        {
            ScalarOp.Less or ScalarOp.LessOrEqual or ScalarOp.Equal or ScalarOp.NotEqual => DType.Bool,
            ScalarOp.Select => inputs[1].Type!.Value,
            ScalarOp.Convert => Type(number),
            ScalarOp.ReinterpretFloat => first == DType.Int64 ? DType.Float64 : DType.Float32,
            ScalarOp.ReinterpretInt => first == DType.Float64 ? DType.Int64 : DType.Int32,
            _ => first,
        };
        if (op is ScalarOp.ShiftLeft or ScalarOp.ShiftRight && number is < 0 or > 63)
            throw new OnnxException($"a shift by {number}");
        if (op is not (ScalarOp.Select or ScalarOp.Convert) && inputs.Any(i => i.Type != first) || op == ScalarOp.Select && (first != DType.Bool || inputs[2].Type != type))
            throw new OnnxException($"{node.OpType} takes values of one type");
        return new Scalar(op, type, inputs[0], inputs.ElementAtOrDefault(1), inputs.ElementAtOrDefault(2), op is ScalarOp.ShiftLeft or ScalarOp.ShiftRight ? (int)number : 0);
    }

    private static string Kind(string name) => name.Split('.')[0];

    private static int Arity(ScalarOp op) => op switch
    {
        ScalarOp.FusedMultiplyAdd or ScalarOp.Select => 3,
        ScalarOp.Negate or ScalarOp.Absolute or ScalarOp.SquareRoot or ScalarOp.Round or ScalarOp.Floor or ScalarOp.Not or ScalarOp.ShiftLeft or ScalarOp.ShiftRight
            or ScalarOp.Convert or ScalarOp.ReinterpretFloat or ScalarOp.ReinterpretInt or ScalarOp.Exp or ScalarOp.Log or ScalarOp.Tanh or ScalarOp.Logistic
            or ScalarOp.Sin or ScalarOp.Cos or ScalarOp.Erf or ScalarOp.Atan => 1,
        _ => 2,
    };

    private static DType Type(long number) => ElementTypes.IsKnown((int)number) && Enum.GetValues<DType>().Where(t => (long)ElementTypes.Of(t) == number).ToArray() is [var type]
        ? type : throw new OnnxException($"a scalar program has no values of type {number}");

    private static Scalar Literal(NodeProto node)
    {
        var tensor = node.Attribute.FirstOrDefault(a => a.Name == "value")?.T ?? throw new OnnxException("a constant has no value");
        if (new TensorReader(OnnxLimits.Default).Read(tensor) is not HostTensor { Shape.Count: 1 } one)
            throw new OnnxException("a constant of a scalar program has one value");
        double value = HostNumbers.Floats(one)[0];
        return Scalar.Literal(one.Type.DType == DType.Float32 ? Attributes.Refined(node, "value", (float)value) : value, Type(tensor.DataType));
    }

    internal static HostTensor Literal(DType type, double value)
    {
        byte[] data = type switch
        {
            DType.Float32 => BitConverter.GetBytes((float)value),
            DType.Float64 => BitConverter.GetBytes(value),
            DType.Int64 => BitConverter.GetBytes((long)value),
            DType.Int32 or DType.UInt8 => BitConverter.GetBytes((int)value),
            _ => [(byte)value],
        };
        return new HostTensor(ElementTypes.Of(type), Shape.Scalar, data);
    }
}
