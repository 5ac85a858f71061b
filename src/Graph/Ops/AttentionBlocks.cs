using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// The blocks of an <see cref="Attention"/> and of its gradient. Each block waits for the one before, so that no more than one block's scores
/// are alive. Nothing here depends on how many rows of other samples or shards are beside.
/// </summary>
internal sealed class AttentionBlocks
{
    private readonly Attention op;
    private readonly Tensor q, k, v;
    private readonly AttentionAxes axes;
    private readonly AttentionScores scores;
    private readonly long queries, keys;

    private AttentionBlocks(Attention op, ImmutableArray<Tensor> inputs)
    {
        this.op = op;
        (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        axes = AttentionAxes.Of(q.Shape, op.HeadAxes);
        var whole = axes.Scores(q.Shape, k.Shape);
        scores = new AttentionScores(op, inputs.Length > 3 ? inputs[3] : null, whole);
        (queries, keys) = (whole[^2], whole[^1]);
    }

    public static AttentionBlocks Of(Attention op, ImmutableArray<Tensor> inputs) => new(op, inputs);

    /// <summary>Blocks of queries: all keys that one of them sees, their exponentials, and the values weighted by these. Results and log-sums.</summary>
    public ImmutableArray<Tensor> Forward()
    {
        var results = new List<Tensor>();
        var logSums = ImmutableArray.CreateBuilder<Tensor>();
        for (long first = 0; first < queries; first += op.BlockRows)
        {
            long rows = Math.Min(op.BlockRows, queries - first), seen = op.CausalOffset is { } o ? Math.Min(keys, first + rows + o) : keys;
            var query = Rows(first == 0 ? q : Again.Apply(q, "next queries", results[^1], logSums[^1]), first, rows);
            var score = scores.Of(axes.Products(query, Rows(k, 0, seen)), first, 0);
            var kept = score.Shape.With(score.Shape.Rank - 1, 1);
            var largest = score.Max(-1);
            var e = scores.Exponentials(score, largest.Reshape(kept));
            var sum = e.Sum(-1);
            results.Add(axes.Weighted(e, Rows(v, 0, seen)) * scores.Norm(sum).Reshape(kept));
            logSums.Add(scores.LogSum(largest, sum));
        }

        return [axes.Join(results), Concat.Apply(-1, logSums.ToImmutable())];
    }

    /// <summary>
    /// Blocks of keys, the last first, each with all queries that see one of them: the gradients of its keys and values are whole at once, and
    /// those of the queries are added up from block to block.
    /// </summary>
    public ImmutableArray<Tensor> Backward(Tensor result, Tensor logSum, Tensor upstream)
    {
        var (logSums, means) = (logSum.Reshape(logSum.Shape.Append(1)), axes.AsScoreRows((upstream * result).Sum(-1)));
        var (dq, dk, dv) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        long from = queries;
        for (long first = (keys - 1) / op.BlockRows * op.BlockRows; first >= 0; first -= op.BlockRows)
        {
            long count = Math.Min(op.BlockRows, keys - first), start = op.CausalOffset is { } o ? Math.Max(0, first - o) : 0;
            if (start >= queries)
            {
                // Keys that nobody sees.
                dk.Insert(0, Zeros(k, count));
                dv.Insert(0, Zeros(v, count));
                continue;
            }

            var query = Rows(Again.Apply(q, "gradient", [.. dv.Take(1), .. dk.Take(1), .. dq]), start, queries - start);
            var (key, up) = (Rows(k, first, count), Rows(upstream, start, queries - start));
            var p = (scores.Of(axes.Products(query, key), start, first) - Tail(logSums, start)).Exp();
            var ds = Pointwise.Apply("ScoreGradient", a => a[0] * (a[1] - a[2]) * op.Scale, p, axes.Products(up, Rows(v, first, count)), Tail(means, start));
            dv.Insert(0, axes.WeightedBack(p, up));
            dk.Insert(0, axes.WeightedBack(ds, query));
            dq = AddQueries(dq, ds, key, from - start);
            from = start;
        }

        Tensor[] whole = [axes.Join(dq), axes.Join(dk), axes.Join(dv)];
        // Whoever is wanted first, the last block ends before anything else begins.
        return [.. whole.Select((t, i) => Again.Apply(t, "gradients", [.. whole.Where((_, other) => other != i)]))];
    }

    /// <summary>
    /// The sum so far is in pieces that follow one another. A block's queries are those of the blocks before it and <paramref name="fresh"/>
    /// more in front, which get nothing from them.
    /// </summary>
    private List<Tensor> AddQueries(List<Tensor> sum, Tensor ds, Tensor key, long fresh)
    {
        var added = new List<Tensor>();
        if (fresh > 0)
            added.Add(axes.Weighted(AttentionAxes.Part(ds, -2, 0, fresh), key));
        if (sum.Count > 0)
        {
            var before = sum.Count == 1 ? sum[0] : Concat.Apply(-2, [.. sum]);
            added.Add(axes.Weighted(AttentionAxes.Part(ds, -2, fresh, before.Shape[^2]), key) + before);
        }

        return added;
    }

    private Tensor Rows(Tensor operand, long first, long count) => AttentionAxes.Part(operand, axes.Row, first, count);

    private static Tensor Tail(Tensor rows, long start) => AttentionAxes.Part(rows, -2, start, rows.Shape[^2] - start);

    private Tensor Zeros(Tensor operand, long rows)
    {
        var (row, inner) = (axes.Row, axes.Inner);
        return Fill.Create(operand.DType, Shape.Of([.. operand.Shape.Where((_, a) => a != row && a != inner), rows, operand.Shape[inner]]), 0);
    }
}
