using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Products of matrices.</summary>
internal static class Matrices
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("MatMul", 1, c => c.Out(c.X(0).MatMul(c.X(1)))),
        new("Gemm", 1, Gemm),
        new("MatMulInteger", 10, c => OnnxCall.Out(Quantization.Centred(c, 0, 2, rows: true).MatMul(Quantization.Centred(c, 1, 3, rows: false)), ElementType.Int32)),
        new("Einsum", 12, c => c.Out(Tensor.Einsum(c.Text("equation"), [.. c.All.Select(t => t.Tensor)]))),
        new("Det", 11, c => c.Out(Determinant(c.X()))),
    ];

    private static OnnxValue Gemm(OnnxCall c)
    {
        var (a, b) = (c.X(0), c.X(1));
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2)
            throw new OnnxException($"two matrices are needed, not {a.Shape} and {b.Shape}");
        if (!a.DType.IsFloat())
            (a, b) = (a.Convert(DType.Float64), b.Convert(DType.Float64));
        var product = new Node(new Contract([], [], [c.Flag("transA") ? 0 : 1], [c.Flag("transB") ? 1 : 0]), [a, b]).Output;
        double alpha = c.Float("alpha", 1), beta = c.Float("beta", 1);
        if (alpha != 1)
            product *= alpha;
        if (c.Has(2) && beta != 0)
            product += beta == 1 ? c.X(2).Convert(product.DType) : c.X(2).Convert(product.DType) * beta;
        return c.Out(product.Convert(c.Element().Storage()));
    }

    /// <summary>Leibniz's formula by rows, with each minor computed once: fit for the small matrices it is used for.</summary>
    private static Tensor Determinant(Tensor x)
    {
        int n = x.Shape.Rank < 2 || x.Shape[^1] != x.Shape[^2] ? throw new OnnxException($"square matrices are needed, not {x.Shape}") : checked((int)x.Shape[^1]);
        if (n > 8)
            throw new OnnxUnsupportedException($"determinants of matrices of {n}×{n}");
        var batch = x.Shape.Slice(0, x.Shape.Rank - 2);
        var elements = x.Reshape(batch.Append((long)n * n)).Split(batch.Rank, [.. Enumerable.Repeat(1L, n * n)]).Select(e => e.Reshape(batch)).ToArray();
        var minors = new Dictionary<(int Row, int Columns), Tensor>();
        return Minor(0, (1 << n) - 1);

        Tensor Minor(int row, int columns)
        {
            if (row == n)
                return Fill.Create(x.DType, batch, 1);
            if (minors.TryGetValue((row, columns), out var known))
                return known;
            Tensor? sum = null;
            bool negative = false;
            for (int column = 0; column < n; column++)
            {
                if ((columns & 1 << column) == 0)
                    continue;
                var term = elements[row * n + column] * Minor(row + 1, columns & ~(1 << column));
                sum = sum is null ? term : negative ? sum - term : sum + term;
                negative = !negative;
            }

            return minors[(row, columns)] = Tables.Sum(sum);
        }
    }
}
