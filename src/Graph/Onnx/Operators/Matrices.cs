using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Graph.Ops;
using static Singa.Actors.Graph.Onnx.Export.Attributes;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Products of matrices.</summary>
internal static class Matrices
{
    public static readonly ImmutableArray<OnnxOperator> Operators =
    [
        new("Gemm", 1, Gemm) { Write = WriteGemm, Joins = true },
        new("MatMul", 1, c => c.Out(c.X(0).MatMul(c.X(1)))) { Write = WriteProduct },
        new("MatMulInteger", 10, c => OnnxCall.Out(Quantization.Centred(c, 0, 2, rows: true).MatMul(Quantization.Centred(c, 1, 3, rows: false)), ElementType.Int32)),
        new("Einsum", 12, c => c.Out(Tensor.Einsum(c.Text("equation"), [.. c.All.Select(t => t.Tensor)]))),
        new("Det", 11, c => c.Out(Determinant(c.X()))),
    ];

    /// <summary>A product of two matrices, and what is added to it where nobody else reads the product.</summary>
    private static Written? WriteGemm(Node node, WriteContext context)
    {
        if (node.Op is Pointwise { Label: "Add" } && PointwiseForm.Catalog(node, "Add", "Add") is not null && node.Inputs[0].Producer is { Op: Contract } product
            && context.Uses(product.Output) == 1 && node.Inputs[1].Shape.BroadcastsTo(product.Output.Shape) && WriteGemm(product, context) is { } without)
            return without with { Inputs = [.. without.Inputs, node.Inputs[1]] };
        if (node.Op is not Contract { OverShards: false, Body: null, LeftBatch.Count: 0, LeftSum: [var left], RightSum: [var right] } || node.Inputs.Any(i => i.Shape.Rank != 2))
            return null;
        var gemm = new Written("Gemm", node.Inputs[0], node.Inputs[1]);
        return (left, right) switch { (1, 0) => gemm, (1, 1) => gemm.With(Int("transB", 1)), (0, 0) => gemm.With(Int("transA", 1)), _ => gemm.With(Int("transA", 1), Int("transB", 1)) };
    }

    private static Written? WriteProduct(Node node, WriteContext context)
    {
        if (node.Op is not Contract { OverShards: false, Body: null, LeftSum: [var left], RightSum: [var right] } op)
            return null;
        var (a, b) = (node.Inputs[0].Shape, node.Inputs[1].Shape);
        Seq<int> batch = [.. Enumerable.Range(0, op.LeftBatch.Count)];
        return left == a.Rank - 1 && right == b.Rank - 2 && op.LeftBatch == batch && op.RightBatch == batch
            && (b.Rank == 2 && batch.Count == 0 && a.Rank >= 2 || a.Rank == b.Rank && batch.Count == a.Rank - 2)
            ? new Written("MatMul", node.Inputs[0], node.Inputs[1]) : null;
    }

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
