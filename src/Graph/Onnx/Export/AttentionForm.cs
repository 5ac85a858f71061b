using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Onnx.Operators;
using Singa.Actors.Graph.Ops;
using static Singa.Actors.Graph.Onnx.Export.Attributes;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>Attention with whatever axes ours has, as products of matrices and a softmax with all scores in memory.</summary>
internal static class AttentionForm
{
    public static Written? Write(Node node, WriteContext context)
    {
        if (node.Op is not Attention op)
            return null;
        bool masked = node.Inputs.Length > 3;
        int rank = node.Inputs[0].Shape.Rank, row = rank - op.HeadAxes - 2;
        // [b…, row, h…, inner] to [b…, h…, row, inner], and with the last two the other way.
        int[] batch = [.. Enumerable.Range(0, row), .. Enumerable.Range(row + 1, op.HeadAxes)];
        int[] rows = [.. batch, row, rank - 1], columns = [.. batch, rank - 1, row], back = [.. Enumerable.Range(0, rank).Select(a => Array.IndexOf(rows, a))];
        var draft = new FunctionDraft(masked ? ["q", "k", "v", "mask"] : ["q", "k", "v"], ["y", "log_sum"], "head_axes", "scale", "causal_offset", "block_rows")
            .Node("qt = Transpose(q)", Ints("perm", rows)).Node("kt = Transpose(k)", Ints("perm", columns)).Node("vt = Transpose(v)", Ints("perm", rows))
            .Node("products = MatMul(qt, kt)").Node("sf = Constant()", Of("value_float", Kind.Float, "scale")).Node("s = CastLike(sf, q)").Node("scaled = Mul(products, s)")
            .Node("nothing = Constant()", Value("value", ScalarForm.Literal(DType.Float32, double.NegativeInfinity))).Node("never = CastLike(nothing, q)");
        string scores = "scaled";
        if (masked)
        {
            draft.Node(node.Inputs[3].DType == DType.Bool ? "seen = Where(mask, scaled, never)" : "seen = Add(scaled, mask)");
            scores = "seen";
        }

        if (op.CausalOffset is not null)
        {
            draft.Node("offset = Constant()", Of("value_int", Kind.Int, "causal_offset")).Node("zero = Constant()", Int("value_int", 0)).Node("one = Constant()", Int("value_int", 1))
                .Longs("first", 0).Longs("second", 1)
                .Node("ts = Shape(q)", Int("start", row), Int("end", row + 1)).Node("t = Squeeze(ts, first)").Node("us = Shape(k)", Int("start", row), Int("end", row + 1)).Node("u = Squeeze(us, first)")
                .Node("i = Range(zero, t, one)").Node("reach = Add(i, offset)").Node("below = Unsqueeze(reach, second)").Node("j = Range(zero, u, one)")
                .Node("visible = LessOrEqual(j, below)").Node($"causal = Where(visible, {scores}, never)");
            scores = "causal";
        }

        draft.Node($"p = Softmax({scores})", Int("axis", -1));
        // A query that sees nothing gets zeros.
        if (masked)
            draft.Node("blind = IsNaN(p)").Node("nil = Constant()", Value("value", ScalarForm.Literal(DType.Float32, 0))).Node("none = CastLike(nil, q)").Node("weights = Where(blind, none, p)");
        draft.Node($"mixed = MatMul({(masked ? "weights" : "p")}, vt)").Node("y = Transpose(mixed)", Ints("perm", back))
            .Longs("last", -1).Node($"log_sum = ReduceLogSumExp({scores}, last)", Int("keepdims", 0));
        var written = OwnOperators.Call("Attention", node, draft).With(Int("head_axes", op.HeadAxes), Int("block_rows", op.BlockRows)).WithFloat("scale", op.Scale);
        return op.CausalOffset is { } o ? written.With(Int("causal_offset", o)) : written;
    }

    public static ImmutableArray<OnnxValue?> Build(OnnxCall c)
    {
        var op = new Attention(checked((int)c.Int("head_axes")), c.Float("scale"), c.HasAttribute("causal_offset") ? c.Int("causal_offset") : null, c.Int("block_rows"));
        if (op.HeadAxes < 0 || c.X().Shape.Rank < op.HeadAxes + 2 || op.BlockRows < 1)
            throw new OnnxException($"attention with {op.HeadAxes} axes of heads to {c.X().Shape} in blocks of {op.BlockRows}");
        return [.. new Node(op, [.. c.All.Select(t => t.Tensor)]).Outputs.Select(o => c.Out(o))];
    }
}
