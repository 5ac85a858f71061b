using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Scaled-dot-product attention: softmax(scale · q·kᵀ + mask) · v for queries [b…, t, h…, d], keys [b…, s, h…, d] and values [b…, s, h…, e] →
/// [b…, t, h…, e]; with <c>HeadAxes</c> = 0 there is no h. The second result, log Σ e^score [b…, h…, t], is for the gradient. The mask, where
/// there is one, broadcasts to [b…, h…, t, s]: Bool says who is seen, floating is added to the scores. With <c>CausalOffset</c> o query i
/// sees keys up to i + o. A query that sees nothing gets zeros. The scores are never whole in memory: the op stands for blocks of
/// <c>BlockRows</c> queries, one after the other. Sources: Vaswani et al., "Attention is all you need" (2017); Rabe, Staats,
/// "Self-attention does not need O(n²) memory" (2021); Dao et al., "FlashAttention" (2022).
/// </summary>
public sealed record Attention(int HeadAxes, double Scale, long? CausalOffset, long BlockRows) : Op
{
    /// <summary>A constant, so that bits do not depend on the machine; a block of products this high keeps packing k cheap.</summary>
    public const long DefaultBlockRows = 64;

    public override string Name => "Attention";

    /// <param name="causal">Query i of t sees key j of s when j ≤ i + s − t: the last query sees all.</param>
    /// <param name="scale">1 / √d unless said.</param>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, Tensor? mask = null, bool causal = false, double? scale = null, int headAxes = 0) =>
        Apply(query, key, value, mask, causal, scale, headAxes, DefaultBlockRows);

    internal static Tensor Apply(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale, int headAxes, long blockRows)
    {
        int row = query.Shape.Rank - headAxes - 2;
        if (row < 0 || key.Shape.Rank != query.Shape.Rank)
            throw new GraphException($"attention takes queries, keys and values [batch…, time, {(headAxes > 0 ? "heads…, " : "")}features], not {query.Shape} and {key.Shape}");
        long? offset = causal ? key.Shape[row] - query.Shape[row] : null;
        var op = new Attention(headAxes, scale ?? 1 / Math.Sqrt(query.Shape[^1]), offset, blockRows);
        // With all its axes a mask meets the scores with or without shards before it.
        return new Node(op, mask is null ? [query, key, value] : [query, key, value, mask.WithRank(query.Shape.Rank)]).Outputs[0];
    }

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        var axes = AttentionAxes.Of(q.Shape, HeadAxes);
        if (!q.DType.IsFloat() || k.DType != q.DType || v.DType != q.DType)
            throw new GraphException($"attention of {q}, {k} and {v}: all must be of one floating type");
        if (k.Shape.Rank != q.Shape.Rank || k.Shape.With(axes.Row, q.Shape[axes.Row]) != q.Shape)
            throw new GraphException($"attention: queries {q.Shape} and keys {k.Shape} may differ only in how many there are");
        if (v.Shape.Rank != k.Shape.Rank || v.Shape.With(axes.Inner, k.Shape[axes.Inner]) != k.Shape)
            throw new GraphException($"attention: keys {k.Shape} and values {v.Shape} may differ only in their features");
        var scores = axes.Scores(q.Shape, k.Shape);
        if (scores[^1] == 0 || scores[^2] == 0 || CausalOffset < 0)
            throw new GraphException($"attention of {scores[^2]} queries over {scores[^1]} keys{(CausalOffset is { } o ? $", shifted by {o}" : "")}: each query must see at least one key");
        if (inputs.Length > 3 && !(inputs[3].Shape.BroadcastsTo(scores) && (inputs[3].DType == DType.Bool || inputs[3].DType == q.DType)))
            throw new GraphException($"an attention mask is bool or {q.DType.ToString().ToLowerInvariant()} and broadcasts to {scores}, which {inputs[3]} does not");
        return [new(q.DType, q.Shape.With(axes.Inner, v.Shape[axes.Inner])), new(q.DType, scores.RemoveAt(scores.Rank - 1))];
    }

    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        if (upstream[0] is not { } up)
            return [.. node.Inputs.Select(_ => (Tensor?)null)];
        ImmutableArray<Tensor?> gradients = [.. new Node(new AttentionGradient(this), [.. node.Inputs, .. node.Outputs, up]).Outputs];
        // A mask that is learned is as large as the scores, and so may its gradient be.
        return node.Inputs.Length == 3 ? gradients
            : gradients.Add(node.Inputs[3].DType.IsFloat() ? Definition.Gradients(i => AttentionDefinition.Whole(this, i), node.Inputs, up)[3] : null);
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this, Spread(inputs, sharded, shards), node.Scope).Outputs;

    /// <summary>One more batch axis for all, but a mask that is the same for all shards.</summary>
    internal static ImmutableArray<Tensor> Spread(ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        [.. inputs.Select((t, i) => sharded[i] ? t : t.BroadcastTo(t.Shape.Prepend(shards.Count)))];

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs) => AttentionBlocks.Of(this, inputs).Forward();
}

/// <summary>
/// Gradients of an <see cref="Attention"/>'s queries, keys and values; inputs: its own, its results, and the gradient of the first of them.
/// Probabilities are computed again from the log-sums that were kept, a block of keys at a time.
/// </summary>
public sealed record AttentionGradient(Attention Of) : Op
{
    public override string Name => "Attention.Gradient";

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> inputs) => inputs[..3];

    /// <summary>The attention's results are known from its inputs, so they count as constants.</summary>
    public override ImmutableArray<Tensor?> Gradient(Node node, ImmutableArray<Tensor?> upstream)
    {
        var second = Definition.SecondGradients(i => AttentionDefinition.Whole(Of, i), node.Inputs[..^3], node.Inputs[^1], upstream);
        return [.. second[..^1], null, null, second[^1]];
    }

    public override ImmutableArray<Tensor> AlongShards(Node node, ImmutableArray<Tensor> inputs, ImmutableArray<bool> sharded, ShardRange shards) =>
        new Node(this, Attention.Spread(inputs, sharded, shards), node.Scope).Outputs;

    internal override ImmutableArray<Tensor>? Expand(Node node, ImmutableArray<Tensor> inputs) =>
        AttentionBlocks.Of(Of, inputs[..^3]).Backward(inputs[^3], inputs[^2], inputs[^1]);
}
