using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Gradients;

/// <summary>What tensors by hand are made with: indexing keeps the gradient, and so does all else.</summary>
public sealed partial record GradientCase
{
    private static IEnumerable<GradientCase> Tensors()
    {
        yield return new("x[1]", t => t[0][1], [S(3, 4)]);
        yield return new("x[.., 0, 1..3]", t => t[0][.., 0, 1..3], [S(2, 3, 4)]);
        yield return new("x[^1, new, ..]", t => t[0][^1, TensorIndex.NewAxis, ..].Exp(), [S(3, 4)]);
        yield return new("x[1.. by 2]", t => t[0][(1..).Step(2)] * t[0][..2], [S(5, 2)]);
        yield return new("x[indices] with repeats", t => t[0][Tensor.From([2, 0, 2, 2])].Exp(), [S(3, 2)]);
        yield return new("With a part replaced", t => t[0].With(t[1], 1.., (..).Step(2)).Exp(), [S(3, 5), S(2, 1)]);
        yield return new("With one element replaced", t => t[0].With(t[1] * 2, 1, ^1) * t[0], [S(3, 2), S()]);
        yield return new("Gather along an inner axis with repeats", t => t[0].Gather(Tensor.From(new[,] { { 1, 1 }, { 0, 1 } }), 1), [S(2, 3, 2)]);
        yield return new("ScatterAdd with repeats", t => t[0].ScatterAdd(Tensor.From([1, 1, 0]), t[1]).Exp(), [S(2, 3), S(3, 3)]);
        yield return new("ScatterAdd along an inner axis", t => t[0].ScatterAdd(Tensor.From([2, 0, 2]), t[1], 1).Exp(), [S(2, 3, 2), S(2, 3, 2)]);
        yield return new("Flip", t => t[0].Flip(0, 1) * t[0], [S(3, 2)]);
        yield return new("Diagonal", t => t[0].Diagonal().Exp(), [S(2, 3, 3)]);
        yield return new("Diagonal of outer axes", t => t[0].Diagonal(0, 2), [S(3, 2, 3)]);
        yield return new("Tril", t => t[0].Tril(-1) + t[0].Triu(1), [S(3, 3)]);
        yield return new("Tile", t => t[0].Tile(2, 1, 2).Exp(), [S(2, 3)]);
        yield return new("Repeat", t => t[0].Repeat(3, 1) * 2, [S(2, 3)]);
        yield return new("Stack", t => Tensor.Stack(1, t[0].Exp(), t[1], t[0]), [S(2, 3), S(2, 3)]);
        yield return new("Chunk", t => t[0].Chunk(2, -1)[1] * t[0].Chunk(2, -1)[0], [S(2, 4)]);
        yield return new("Where", t => Tensor.Where(t[0] > 0, t[0] * t[1], t[1]), [S(3, 4), S(4)]);
        yield return new("Where, of the chosen only", t => Tensor.Where(t[0] > 0.5, t[0].Log(), 0), [S(3, 4)]);
        foreach (var mode in Enum.GetValues<PadMode>())
        {
            yield return new($"Pad {mode}", t => t[0].Pad(mode, (2, 1)).Exp(), [S(3)]);
            yield return new($"Pad {mode} of two axes", t => t[0].Pad(mode, (1, 2), (2, 0)), [S(2, 3, 4)]);
        }

        yield return new("Pad with a value", t => t[0].Pad([(1, 0), (0, 2)], 0.5).Exp(), [S(2, 3)]);
        yield return new("Prod", t => t[0].Prod(1), [S(2, 5)]);
        yield return new("Prod of all", t => t[0].Prod(), [S(2, 3)]);
        yield return new("Mean of all", t => t[0].Exp().Mean(), [S(2, 3)]);
        yield return new("MeanOf", t => Tensor.MeanOf(t[0], t[1], t[0].Exp()), [S(2, 3), S(3)]);
        yield return new("Variance", t => t[0].Variance([1], unbiased: true), [S(2, 5)]);
        yield return new("Sum with kept axes", t => t[0] / t[0].Exp().Sum([0, -1], keepAxes: true), [S(2, 3, 2)]);
        yield return new("Norm", t => t[0].Norm([1], keepAxes: true) * t[0], [S(3, 4)]);
        yield return new("Norm 3", t => t[0].Norm(3), [S(3, 4)]);
        yield return new("LogSumExp", t => t[0].LogSumExp(1), [S(2, 3, 2)]);
        yield return new("Pow 3", t => t[0].Pow(3) + t[0].Square().Pow(-2), [S(5)], 0.5, 2);
        yield return new("Pow 1.7", t => t[0].Pow(1.7), [S(5)], 0.5, 2);
        yield return new("Log1p", t => t[0].Log1p(), [S(5)], -0.5, 2);
        foreach (var (notation, a, b) in new[]
        {
            ("bij,bjk->bik", S(2, 3, 4), S(2, 4, 2)), ("ij,jk->ki", S(3, 4), S(4, 2)), ("i,j->ji", S(3), S(2)), ("ij,ij->i", S(3, 4), S(3, 4)), ("ij,j->", S(3, 4), S(4)),
            ("iij,j->i", S(3, 3, 2), S(2)), ("...ij,...jk->...ik", S(2, 1, 2, 3), S(2, 3, 2)), ("i,i->i", S(1), S(4)),
        })
            yield return new($"einsum {notation}", t => Tensor.Einsum(notation, t[0], t[1]), [a, b]);
        yield return new("einsum of three", t => Tensor.Einsum("ab,bc,cd->ad", t[0], t[1], t[2]), [S(2, 3), S(3, 2), S(2, 4)]);
        yield return new("TensorDot", t => Tensor.TensorDot(t[0], t[1], [2, 0], [0, 1]), [S(2, 3, 4), S(4, 2, 3)]);
        foreach (var (a, b) in new[] { (S(3), S(3)), (S(3), S(3, 2)), (S(2, 3), S(3)), (S(2, 3), S(4, 3, 2)), (S(4, 1, 2, 3), S(2, 3, 2)), (S(1, 2, 3), S(4, 3, 2)), (S(2, 2, 3, 3), S(2, 2, 3, 3)) })
            yield return new("MatMul of any rank", t => t[0].MatMul(t[1]), [a, b]);
    }
}
