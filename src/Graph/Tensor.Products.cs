using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>Sums of products.</summary>
public sealed partial class Tensor
{
    /// <summary>
    /// […, m, k] times […, k, n] → […, m, n], where the leading dimensions broadcast. A vector on the left is a row, on the right a column,
    /// and that axis does not appear in the result.
    /// </summary>
    public Tensor MatMul(Tensor right)
    {
        if (Shape.Rank == 0 || right.Shape.Rank == 0)
            throw new GraphException($"a matrix product of {Shape} and {right.Shape}: a scalar is multiplied with *");
        long columns = Shape[^1], rows = right.Shape[right.Shape.Rank == 1 ? 0 : right.Shape.Rank - 2];
        if (columns != rows)
            throw new GraphException($"a matrix product of {Shape} and {right.Shape}: rows of {columns} elements do not fit columns of {rows}");
        bool plain = Shape.Rank >= 2 && right.Shape.Rank >= 2 && DType.IsFloat() && DType == right.DType
            && (right.Shape.Rank == 2 || (right.Shape.Rank == Shape.Rank && Shape.Dims[..^2].SequenceEqual(right.Shape.Dims[..^2])));
        return plain ? Contracted(right) : SumOfProducts.MatMul(this, right);
    }

    private Tensor Contracted(Tensor right)
    {
        int batch = right.Shape.Rank > 2 ? Shape.Rank - 2 : 0;
        Seq<int> axes = [.. Enumerable.Range(0, batch)];
        return new Node(new Contract(axes, axes, [Shape.Rank - 1], [right.Shape.Rank - 2]), [this, right]).Output;
    }

    /// <summary>Σ over the last <paramref name="axes"/> axes of the left and the first ones of the right.</summary>
    public static Tensor TensorDot(Tensor left, Tensor right, int axes = 2)
    {
        if (axes < 0 || axes > left.Shape.Rank || axes > right.Shape.Rank)
            throw new GraphException($"{axes} axes of {left.Shape} and {right.Shape}");
        return TensorDot(left, right, [.. Enumerable.Range(left.Shape.Rank - axes, axes)], [.. Enumerable.Range(0, axes)]);
    }

    /// <summary>Σ over pairs of axes, then the left's other axes and the right's.</summary>
    public static Tensor TensorDot(Tensor left, Tensor right, ReadOnlySpan<int> leftAxes, ReadOnlySpan<int> rightAxes) =>
        SumOfProducts.OverPairs(left, right, leftAxes, rightAxes);

    /// <summary>
    /// Einstein's notation, as in <c>Einsum("bij,bjk->bik", a, b)</c>: a letter for each axis, equal letters are multiplied along, those
    /// that the result does not name are summed. Letters twice in one operand are its diagonal; … (<c>...</c>) stands for further axes,
    /// which broadcast; without <c>-></c> the result has the letters that occur once, in the alphabet's order.
    /// </summary>
    /// <exception cref="GraphException">The notation and the operands do not fit; the message says where.</exception>
    public static Tensor Einsum(string notation, params IReadOnlyList<Tensor> operands)
    {
        var parsed = EinsumNotation.Parse(notation, [.. operands.Select(o => o.Shape)]);
        return SumOfProducts.Of($"einsum '{notation}'", operands, parsed.Operands, parsed.Result);
    }
}
