using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Attention in its several forms, and what surrounds it in transformers.</summary>
internal static class Attentions
{
    public const string Preview = "ai.onnx.preview";

    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Attention", 23, Attend),
        new("FlexAttention", 1, c => Flexible(c), Preview),
        new("RotaryEmbedding", 23, c => c.Out(Rotated(c))),
        new("LinearAttention", 27, Linear),
        new("CausalConvWithState", 27, CausalConvolution),
        new("TensorScatter", 24, c => c.Moved(Scattered(c))),
    ];

    /// <summary>[n, time, heads · d] as [n, heads, time, d]; what has four dimensions has them already.</summary>
    private static Tensor Heads(Tensor x, long? heads) => x.Shape.Rank switch
    {
        4 => x,
        3 when heads is > 0 && x.Shape[2] % heads == 0 => x.Reshape(Shape.Of(x.Shape[0], x.Shape[1], heads.Value, x.Shape[2] / heads.Value)).Transpose(0, 2, 1, 3),
        _ => throw new OnnxException($"{x.Shape} is not attended with {heads?.ToString() ?? "unknown"} heads"),
    };

    private static Tensor Packed(Tensor x) => x.Transpose(0, 2, 1, 3).Reshape(Shape.Of(x.Shape[0], x.Shape[2], x.Shape[1] * x.Shape[3]));

    /// <summary>Each head of keys or values for as many heads of queries as share it.</summary>
    private static Tensor Shared(Tensor x, long heads) => x.Shape[1] == heads ? x
        : x.Shape[1] > 0 && heads % x.Shape[1] == 0 ? x.Repeat(heads / x.Shape[1], 1) : throw new OnnxException($"{heads} heads of queries for {x.Shape[1]} of keys");

    private static ImmutableArray<OnnxValue?> Attend(OnnxCall c)
    {
        bool packed = c.X(0).Shape.Rank == 3;
        long? heads = packed ? c.Int("q_num_heads") : null, keyHeads = packed ? c.Int("kv_num_heads") : null;
        Tensor q = Heads(c.X(0), heads), k = Heads(c.X(1), keyHeads), v = Heads(c.X(2), keyHeads);
        long past = c.Has(4) ? c.Shape(4)[2] : 0;
        if (c.Has(4))
            (k, v) = (Composites.Concat(2, c.X(4), k), Composites.Concat(2, c.X(5), v));
        var (presentKey, presentValue) = (k, v);
        (k, v) = (Shared(k, q.Shape[1]), Shared(v, q.Shape[1]));
        double scale = c.HasAttribute("scale") ? c.Float("scale") : 1 / Math.Sqrt(q.Shape[3]), cap = c.Float("softcap", 0);
        long queries = q.Shape[2], keys = k.Shape[2], mode = c.Int("qk_matmul_output_mode", 0);

        var scores = q.MatMul(k.Transpose(0, 1, 3, 2)) * scale;
        var products = scores;
        if (cap > 0)
            scores = Pointwise.Apply("SoftCap", a => Fn.Tanh(a[0] / cap) * cap, scores);
        if (mode == 1)
            products = scores;
        if (c.Has(3))
            scores = Masked(scores, c.X(3), c.Element(3), keys);
        if (c.Flag("is_causal"))
            scores = Causal(scores, past, c.Has(6) && !c.Has(4) ? c.X(6) - (double)queries : null);
        if (c.Has(6))
        {
            var valid = Pointwise.Apply("Valid", a => a[0] < a[1], Composites.Iota(checked((int)keys)), c.X(6).Convert(DType.Int32).Reshape(Shape.Of(c.Shape(6).Count, 1, 1, 1)));
            scores = Tensor.Where(valid, scores, double.NegativeInfinity);
        }

        if (mode == 2)
            products = scores;
        var probabilities = scores.Softmax();
        if (mode == 3)
            products = probabilities;
        var result = probabilities.MatMul(v);
        return [c.Out(packed ? Packed(result) : result), c.Moved(presentKey, 1), c.Moved(presentValue, 2), c.Out(products)];
    }

    /// <summary>A mask may be shorter than the keys: who is not named is not seen.</summary>
    private static Tensor Masked(Tensor scores, Tensor mask, ElementType element, long keys)
    {
        long missing = keys - mask.Shape[^1];
        if (missing > 0)
        {
            long[] none = new long[mask.Shape.Rank], after = new long[mask.Shape.Rank];
            after[^1] = missing;
            mask = Padding.WithValue(mask, none, after, Fill.Create(mask.DType, Shape.Scalar, element == ElementType.Bool ? 0 : double.NegativeInfinity));
        }

        return element == ElementType.Bool ? Tensor.Where(mask, scores, double.NegativeInfinity) : scores + mask.Convert(scores.DType);
    }

    /// <summary>Query i sees keys up to i + offset, which is one number or one of each sample.</summary>
    private static Tensor Causal(Tensor scores, long past, Tensor? offsets)
    {
        int queries = checked((int)scores.Shape[^2]), keys = checked((int)scores.Shape[^1]);
        var offset = offsets is null ? Fill.Create(DType.Int32, Shape.Scalar, past) : offsets.Convert(DType.Int32).Reshape(Shape.Of(offsets.Shape.Count, 1, 1, 1));
        var seen = Pointwise.Apply("Causal", a => a[0] <= a[1] + a[2], Composites.Iota(keys), Composites.Iota(queries).Reshape(Shape.Of(queries, 1)), offset);
        return Tensor.Where(seen, scores, double.NegativeInfinity);
    }

    private static OnnxValue Flexible(OnnxCall c)
    {
        Tensor q = c.X(0), k = Shared(c.X(1), c.X(0).Shape[1]), v = Shared(c.X(2), c.X(0).Shape[1]);
        double scale = c.HasAttribute("scale") ? c.Float("scale") : 1 / Math.Sqrt(q.Shape[3]);
        // Scores and probabilities are float32 at least, whatever the inputs are.
        var wide = c.Element() == ElementType.Double ? ElementType.Double : ElementType.Float;
        var scores = Modified("score_mod", q.MatMul(k.Transpose(0, 1, 3, 2)) * scale);
        return c.Out(Modified("prob_mod", scores.Softmax()).MatMul(v));

        Tensor Modified(string by, Tensor x) => c.HasAttribute(by) ? c.AsTensor(c.Run(c.Graph(by), new GraphTensor(wide, x))[0]).Tensor : x;
    }

    private static Tensor Rotated(OnnxCall c)
    {
        var input = c.X(0);
        // [n, time, heads, d].
        var x = input.Shape.Rank == 4 ? input.Transpose(0, 2, 1, 3)
            : input.Reshape(Shape.Of(input.Shape[0], input.Shape[1], c.Int("num_heads"), input.Shape[2] / c.Int("num_heads")));
        long size = x.Shape[3], rotary = c.Int("rotary_embedding_dim", 0) is > 0 and var part ? part : size, half = rotary / 2;
        Tensor Cache(int at)
        {
            var cache = c.X(at);
            var rows = c.Has(3) ? cache.Gather(Indexing.Whole(c.X(3), cache.Shape[0])) : cache;
            return rows.Reshape(Shape.Of([.. rows.Shape.Take(rows.Shape.Rank - 1), 1, rows.Shape[^1]]));
        }

        var (cos, sin) = (Cache(1), Cache(2));
        var pieces = x.Split(3, rotary, size - rotary);
        bool interleaved = c.Flag("interleaved");
        var pairs = interleaved ? pieces[0].Reshape(Shape.Of(x.Shape[0], x.Shape[1], x.Shape[2], half, 2)) : pieces[0].Reshape(Shape.Of(x.Shape[0], x.Shape[1], x.Shape[2], 2, half));
        int axis = interleaved ? 4 : 3;
        var parts = pairs.Split(axis, 1, 1).Select(p => p.Reshape(pairs.Shape.RemoveAt(axis))).ToArray();
        Tensor real = cos * parts[0] - sin * parts[1], imaginary = sin * parts[0] + cos * parts[1];
        var rotated = Tensor.Stack(axis, real, imaginary).Reshape(pieces[0].Shape);
        var result = rotary == size ? rotated : Composites.Concat(3, rotated, pieces[1]);
        return input.Shape.Rank == 4 ? result.Transpose(0, 2, 1, 3) : result.Reshape(input.Shape);
    }

    /// <summary>
    /// A state of keys by values that each step decays, adds to and is asked. Sources: Katharopoulos et al., "Transformers are RNNs" (2020);
    /// Yang et al., "Gated delta networks" (2024).
    /// </summary>
    private static ImmutableArray<OnnxValue?> Linear(OnnxCall c)
    {
        long heads = c.Int("q_num_heads"), keyHeads = c.Int("kv_num_heads");
        // Steps first: [time, n, heads, d].
        Tensor Steps(int input, long of) => c.X(input).Reshape(Shape.Of(c.Shape(input)[0], c.Shape(input)[1], of, c.Shape(input)[2] / of)).Transpose(1, 0, 2, 3);
        Tensor q = Steps(0, heads), k = Steps(1, keyHeads), v = Steps(2, keyHeads);
        string rule = c.Text("update_rule", "gated_delta");
        bool gated = rule is "gated" or "gated_delta", delta = rule is "delta" or "gated_delta";
        if (rule is not ("linear" or "gated" or "delta" or "gated_delta") || (gated && !c.Has(4)) || (delta && !c.Has(5)))
            throw new OnnxException($"update rule '{rule}' without what it needs");
        double scale = c.Float("scale", 0) is not 0 and var given ? given : 1 / Math.Sqrt(k.Shape[3]);
        var first = c.Has(3) ? c.X(3) : Fill.Create(q.DType, Shape.Of(k.Shape[1], keyHeads, k.Shape[3], v.Shape[3]), 0);
        var inputs = ImmutableArray.Create(q, k, v);
        if (gated)
            inputs = inputs.Add(Steps(4, keyHeads));
        if (delta)
            inputs = inputs.Add(c.X(5).Reshape(Shape.Of([.. c.Shape(5).Take(2), c.Shape(5)[2], 1])).Transpose(1, 0, 2, 3));
        var scan = Ops.Scan.Apply([first], inputs, (states, x) =>
        {
            var state = gated ? states[0] * x[3].Exp().Unsqueeze(-1) : states[0];
            var value = x[2].Unsqueeze(2);
            if (delta)
                value = (value - x[1].Unsqueeze(2).MatMul(state)) * x[^1].Unsqueeze(-1);
            var next = state + x[1].Unsqueeze(-1) * value;
            return ([next], [x[0].Unsqueeze(2).MatMul(Shared(next, heads)) * scale]);
        });
        // [time, n, heads, 1, d] back to [n, time, heads · d].
        var outputs = scan.Outputs[0].Transpose(1, 0, 2, 3, 4);
        return [c.Out(outputs.Reshape(Shape.Of(outputs.Shape[0], outputs.Shape[1], heads * v.Shape[3]))), OnnxCall.Out(scan.Final[0], c.Has(3) ? c.Element(3) : c.Element())];
    }

    private static ImmutableArray<OnnxValue?> CausalConvolution(OnnxCall c)
    {
        var (x, w) = (c.X(0), c.X(1));
        long before = w.Shape[2] - 1;
        var past = c.Has(3) ? c.X(3) : Fill.Create(x.DType, x.Shape.With(2, before), 0);
        var whole = before == 0 ? x : Composites.Concat(2, past, x);
        var window = new WindowAttributes([new WindowAxis(w.Shape[2], 1, 1, 0, 0)]);
        var result = Convolutions.Forward(whole, w, window, checked((int)x.Shape[1]));
        if (c.Has(2))
            result += Movement.Along(c.X(2), 1, 3);
        result = c.Text("activation", "none") switch
        {
            "none" => result,
            "silu" or "swish" => result.Silu(),
            var other => throw new OnnxException($"there is no activation '{other}' here"),
        };
        return [c.Out(result), c.Moved(whole.Split(2, whole.Shape[2] - before, before)[1])];
    }

    /// <summary>A cache with an update written where each sample's indices say, and on, around the end where it is a ring.</summary>
    private static Tensor Scattered(OnnxCall c)
    {
        var (past, update) = (c.X(0), c.X(1));
        int axis = OnnxCall.Axis(c.Int("axis", -2), past.Shape.Rank);
        int length = checked((int)past.Shape[axis]), more = checked((int)update.Shape[axis]);
        bool ring = c.Text("mode", "linear") == "circular";
        var starts = c.Has(2) ? c.X(2).Convert(DType.Int32) : Fill.Create(DType.Int32, Shape.Of(past.Shape[0]), 0);
        // Where in the update each place of the cache comes from; beyond it nothing is written.
        var from = Pointwise.Apply("PlaceInUpdate", a =>
        {
            var at = a[0] - a[1];
            return ring ? Fn.Select(at < 0, at + (double)length, at) : at;
        }, Movement.Along(Composites.Iota(length), axis, past.Shape.Rank), Movement.Along(starts, 0, past.Shape.Rank));
        var inside = Pointwise.Apply("IsWritten", a => (a[0] >= 0) & (a[0] < (double)more), from);
        var bounded = Pointwise.Apply("Bounded", a => Fn.Min(Fn.Max(a[0], 0), (double)(more - 1)), from).BroadcastTo(past.Shape);
        return Tensor.Where(inside, Indexing.GatherElements(update, bounded, axis), past);
    }
}
