using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>Folds constants, puts uniform ones into bodies as literals, lets pointwise ops broadcast by themselves, drops no-ops.</summary>
internal static class Simplify
{
    public static Tensor? Rule(Rewriter rewriter, Node node, ImmutableArray<Tensor> inputs) => node.Op switch
    {
        Pointwise op => Fold(rewriter, op, inputs, node),
        Detach => inputs[0],
        Reshape op when inputs[0].Shape == op.Target => inputs[0],
        Reshape op when inputs[0].Producer is { Op: Reshape } inner => rewriter.Make(op, inner.Inputs, node.Scope).Output is var merged
            && merged.Shape == inner.Inputs[0].Shape ? inner.Inputs[0] : merged,
        Reshape or Transpose or BroadcastTo or Slice when inputs[0].Producer.Op is Fill fill =>
            rewriter.Make(fill with { Type = node.Output.Type }, [], node.Scope).Output,
        BroadcastTo op when inputs[0].Shape == op.Target => inputs[0],
        Transpose op when inputs[0].Producer is { Op: Transpose first } inner => Turn(rewriter, node, inner.Inputs[0], [.. op.Order.Select(a => first.Order[a])]),
        Transpose op => Turn(rewriter, node, inputs[0], op.Order),
        Contract { Body: null } when inputs.Any(i => i.Producer.Op is Fill { Value: 0 }) => rewriter.Make(new Fill(node.Output.Type, 0), [], node.Scope).Output,
        // Over axes of length 1 there is nothing to reduce.
        Reduce op when op.Axes.All(axis => op.Domain[axis] == 1) && op.Body.Instructions is [{ Op: ScalarOp.Argument }] && inputs[0].Shape == op.Domain =>
            rewriter.Make(new Reshape(node.Output.Shape), inputs, node.Scope).Output,
        Reduce { Reduction: Reduction.Sum } op when inputs.Length == 1 && inputs[0].Producer.Op is Fill fill && fill.Type.DType == DType.Float32 =>
            rewriter.Make(new Fill(node.Output.Type, (float)(fill.Value * op.Axes.Aggregate(1.0, (n, a) => n * op.Domain[a]))), [], node.Scope).Output,
        _ => null,
    };

    private static Tensor Turn(Rewriter rewriter, Node node, Tensor input, Seq<int> order) =>
        order.SequenceEqual(Enumerable.Range(0, order.Count)) ? input : rewriter.Make(new Transpose(order), [input], node.Scope).Output;

    private static Tensor? Fold(Rewriter rewriter, Pointwise op, ImmutableArray<Tensor> inputs, Node node)
    {
        var arguments = new Scalar[inputs.Length];
        var sources = inputs.ToArray();
        for (int i = 0; i < sources.Length; i++)
        {
            if (sources[i].Producer.Op is BroadcastTo)
                sources[i] = sources[i].Producer.Inputs[0];
            arguments[i] = sources[i].Producer.Op is Fill fill ? Scalar.Literal(fill.Value, sources[i].DType) : Scalar.Argument(i, sources[i].DType);
        }

        var body = ScalarBody.Inline(op.Body, arguments)[0];
        var (used, program) = ScalarBody.Narrow(ScalarBody.Compile(op.Body.Arguments, body));
        if (used.IsEmpty)
            return rewriter.Make(new Fill(node.Output.Type, ScalarEvaluator.Evaluate(program, [])[0]), [], node.Scope).Output;
        var kept = used.Select(i => sources[i]).ToImmutableArray();
        var plain = program.Instructions is [{ Op: ScalarOp.Argument }] ? kept[0] : rewriter.Make(op with { Body = program }, kept, node.Scope).Output;
        return plain.Shape == node.Output.Shape ? plain : rewriter.Make(new BroadcastTo(node.Output.Shape), [plain], node.Scope).Output;
    }
}
