using System.Collections.Immutable;

namespace Singa.Actors.Graph.Ops;

/// <summary>
/// Which axis is what: operands are [b…, Row, h…, Inner], scores [b…, h…, query, key]. Products between the two forms name their axes, so
/// nothing is moved in memory.
/// </summary>
internal readonly record struct AttentionAxes(int Row, int Inner)
{
    public static AttentionAxes Of(Shape operand, int headAxes) => new(operand.Rank - headAxes - 2, operand.Rank - 1);

    private Seq<int> OperandBatch => [.. Enumerable.Range(0, Row), .. Enumerable.Range(Row + 1, Inner - Row - 1)];

    private Seq<int> ScoreBatch => [.. Enumerable.Range(0, Inner - 1)];

    /// <summary>The shape of all scores.</summary>
    public Shape Scores(Shape query, Shape key)
    {
        var (row, inner) = (Row, Inner);
        return Shape.Of([.. query.Where((_, axis) => axis != row && axis != inner), query[row], key[row]]);
    }

    /// <summary>[b…, r, h…, d] and [b…, c, h…, d] → [b…, h…, r, c]: every row times every other row.</summary>
    public Tensor Products(Tensor rows, Tensor columns) => new Node(new Contract(OperandBatch, OperandBatch, [Inner], [Inner]), [rows, columns]).Output;

    /// <summary>[b…, h…, r, c] and [b…, c, h…, d] → [b…, h…, r, d]: sums of rows weighted by scores.</summary>
    public Tensor Weighted(Tensor scores, Tensor rows) => new Node(new Contract(ScoreBatch, OperandBatch, [Inner], [Row]), [scores, rows]).Output;

    /// <summary>[b…, h…, r, c] and [b…, r, h…, d] → [b…, h…, c, d]: the same with the scores' transpose.</summary>
    public Tensor WeightedBack(Tensor scores, Tensor rows) => new Node(new Contract(ScoreBatch, OperandBatch, [Inner - 1], [Row]), [scores, rows]).Output;

    /// <summary>[b…, h…, r, d] → [b…, r, h…, d].</summary>
    public Tensor AsOperand(Tensor rows)
    {
        var (row, inner) = (Row, Inner);
        return inner - row == 1 ? rows : rows.Transpose([.. Enumerable.Range(0, row), inner - 1, .. Enumerable.Range(row, inner - row - 1), inner]);
    }

    /// <summary>[b…, t, h…] → [b…, h…, t, 1].</summary>
    public Tensor AsScoreRows(Tensor values)
    {
        var (row, inner) = (Row, Inner);
        var moved = inner - row == 1 ? values : values.Transpose([.. Enumerable.Range(0, row), .. Enumerable.Range(row + 1, inner - row - 1), row]);
        return moved.Reshape(moved.Shape.Append(1));
    }

    /// <summary>Pieces [b…, h…, r, d] one after the other as [b…, r, h…, d]; each is computed where it belongs.</summary>
    public Tensor Join(IEnumerable<Tensor> pieces)
    {
        ImmutableArray<Tensor> moved = [.. pieces.Select(AsOperand)];
        // A single piece is joined with nothing only to be laid out as an operand is.
        return moved.Length == 1 && Inner - Row == 1 ? moved[0] : new Node(new Concat(Row), moved).Output;
    }

    /// <summary>Part of an axis.</summary>
    public static Tensor Part(Tensor tensor, int axis, long first, long count)
    {
        int at = axis < 0 ? axis + tensor.Shape.Rank : axis;
        return count == tensor.Shape[at] ? tensor
            : tensor.Slice([.. tensor.Shape.Select((_, a) => a == at ? first : 0)], [.. tensor.Shape.With(at, count)], [.. tensor.Shape.Select(_ => 1L)]);
    }
}
