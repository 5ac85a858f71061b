using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>Sums of products against loops over every index.</summary>
public sealed class ProductTests
{
    public static TheoryData<string> Notations =>
    [
        "bij,bjk->bik", "ij,jk", "ij,jk->ki", "ij,kj->ik", "i,i->", "i,j->ij", "i,i->i", "ij->ji", "ij->", "ij->j", "ii->i", "ii", "iij->j", "iji->ji", "ijij->",
        "ij,ij->ij", "ij,ij->i", "ijk,ikl->ijl", "abc,cd,de->abe", "ab,bc,cd,de,ef->af", "ab,ac,ad->bcd", "i,ij,j->", "bhqd,bhkd->bhqk", "ijkl,lkm->mij",
        "...ij,...jk->...ik", "...i,...i", "i...->...", "...ii->...i", "a...b,b...c->c...a", "ij , jk -> ik", "Ab,bA->A", "ab,cd->", "ij,j,k->ik", "",
    ];

    [Theory]
    [MemberData(nameof(Notations))]
    public void Einsum_is_what_its_loops_say(string notation)
    {
        foreach (var type in new[] { DType.Float64, DType.Int64, DType.Float32 })
        {
            foreach (int ellipsis in notation.Contains("...") ? [0, 1, 2] : new[] { 0 })
            {
                var operands = notation.Split("->")[0].Split(',').Select((term, i) => Operand(Spelled(term.Trim(), ellipsis), i, type)).ToArray();
                var (shape, values) = Loops.Einsum(Spelled(notation, ellipsis), operands);
                var result = Tensor.Einsum(notation, operands);
                Assert.Equal((shape, type), (result.Shape, result.DType));
                Assert.Equal(values, result.Convert(DType.Float64).ToArray<double>(), (a, b) => Math.Abs(a - b) <= 1e-4 * Math.Max(1, Math.Abs(a)));
            }
        }
    }

    [Fact]
    public void Axes_of_an_ellipsis_broadcast()
    {
        var (a, b) = (Tensor.Arange(24.0).Reshape(2, 1, 3, 4), Tensor.Arange(40.0).Reshape(5, 4, 2));
        var result = Tensor.Einsum("...ij,...jk->...ik", a, b);
        Assert.Equal(Shape.Of(2, 5, 3, 2), result.Shape);
        Assert.Equal(a[1, 0].MatMul(b[3]).ToArray<double>(), result[1, 3].ToArray<double>());
        Assert.Equal([10, 20], Tensor.Einsum("i,i->i", Tensor.From([10.0]), Tensor.From([1.0, 2])).ToArray<double>());
    }

    [Theory]
    [InlineData("ij,jk->ik", "einsum 'ij,jk->ik': it names 2 operands and 1 are given", 1)]
    [InlineData("ijk,jk->ik", "operand 0 is 'ijk' and has shape [3, 4]", 2)]
    [InlineData("ij,jk->iz", "the result's 'z' is in no operand", 2)]
    [InlineData("ij,jk->ii", "the result has 'i' twice", 2)]
    [InlineData("i1,jk->i", "operand 0 is 'i1': axes are letters, not '1'", 2)]
    [InlineData("ij,jk->i\0", "the result is 'i\0': axes are letters", 2)]
    [InlineData("ij->jk->i", "it has more than one ->", 1)]
    [InlineData("...i...,jk->i", "operand 0 has two ellipses", 2)]
    [InlineData("...i,jk->i", "the operands' … has axes and the result has none", 2)]
    [InlineData("ij,ik->jk", "axis 0 of operand 1 [4, 3], 'i', has 4 elements where another has 3", 2)]
    [InlineData("ii->i", "axis 1 of operand 0 [3, 4], 'i', has 4 elements where another has 3", 1)]
    public void Notations_that_do_not_fit_are_refused_by_name(string notation, string sentence, int operands)
    {
        Tensor[] given = [Tensor.Zeros(3, 4), Tensor.Zeros(4, 3)];
        Assert.Contains(sentence, Assert.Throws<GraphException>(() => Tensor.Einsum(notation, given[..operands])).Message);
    }

    [Fact]
    public void Operands_are_of_one_type() => Assert.Contains("einsum 'i,i': operands are of one type, not float32[2] and float64[2]",
        Assert.Throws<GraphException>(() => Tensor.Einsum("i,i", Tensor.Zeros(2), Tensor.Zeros(Shape.Of(2), DType.Float64))).Message);

    public static TheoryData<long[], long[], string> MatMuls => new()
    {
        { [3], [3], "k,k->" }, { [3], [3, 4], "k,kn->n" }, { [2, 3], [3], "mk,k->m" }, { [2, 3], [3, 4], "mk,kn->mn" }, { [5, 2, 3], [3], "amk,k->am" },
        { [3], [5, 3, 4], "k,akn->an" }, { [5, 2, 3], [3, 4], "amk,kn->amn" }, { [2, 3], [5, 3, 4], "mk,akn->amn" }, { [5, 2, 3], [5, 3, 4], "amk,akn->amn" },
        { [6, 5, 2, 3], [6, 5, 3, 4], "bamk,bakn->bamn" }, { [6, 1, 2, 3], [5, 3, 4], "bamk,akn->bamn" }, { [1, 2, 3], [5, 3, 4], "amk,akn->amn" },
        { [6, 5, 2, 3], [5, 3, 4], "bamk,akn->bamn" }, { [6, 5, 2, 3], [3, 4], "bamk,kn->bamn" }, { [6, 5, 2, 3], [6, 1, 3, 4], "bamk,bakn->bamn" },
    };

    [Theory]
    [MemberData(nameof(MatMuls))]
    public void Matrix_products_of_every_rank(long[] left, long[] right, string loops)
    {
        foreach (var type in new[] { DType.Float64, DType.Int32 })
        {
            var (a, b) = (Values(Shape.Of(left), 0, type), Values(Shape.Of(right), 1, type));
            var (shape, values) = Loops.Einsum(loops, a, b);
            Assert.Equal(shape, a.MatMul(b).Shape);
            Assert.Equal(values, a.MatMul(b).Convert(DType.Float64).ToArray<double>(), (x, y) => Math.Abs(x - y) < 1e-9);
        }
    }

    [Fact]
    public void Products_that_do_not_fit_say_what_does_not()
    {
        Refused("a matrix product of [2, 3] and [4, 5]: rows of 3 elements do not fit columns of 4", () => Tensor.Zeros(2, 3).MatMul(Tensor.Zeros(4, 5)));
        Refused("rows of 3 elements do not fit columns of 2", () => Tensor.Zeros(3).MatMul(Tensor.Zeros(2)));
        Refused("a scalar is multiplied with *", () => Tensor.From(2f).MatMul(Tensor.Zeros(2)));
        Refused("a matrix product of [2, 3, 4] and [3, 4, 5]: axis 0 of operand 1 [3, 4, 5] has 3 elements where another has 2", () => Tensor.Zeros(2, 3, 4).MatMul(Tensor.Zeros(3, 4, 5)));
        Refused("axes go in pairs", () => Tensor.TensorDot(Tensor.Zeros(2, 3), Tensor.Zeros(3, 2), [1], [0, 1]));
        Refused("3 elements do not fit 2", () => Tensor.TensorDot(Tensor.Zeros(2, 3), Tensor.Zeros(3, 2), [1], [1]));
        Refused("3 axes of [2, 3] and [3, 2]", () => Tensor.TensorDot(Tensor.Zeros(2, 3), Tensor.Zeros(3, 2), 3));
    }

    [Fact]
    public void Over_pairs_of_axes()
    {
        var (a, b) = (Values(Shape.Of(2, 3, 4), 0, DType.Float64), Values(Shape.Of(4, 3, 5), 1, DType.Float64));
        Same(Loops.Einsum("ijk,kjl->il", a, b), Tensor.TensorDot(a, b, [1, 2], [1, 0]));
        Same(Loops.Einsum("ijk,kml->ijml", a, b), Tensor.TensorDot(a, b, 1));
        Same(Loops.Einsum("ijk,kml->jml", a[..1], b), Tensor.TensorDot(a[0], b, [-1], [0]));
        Same(Loops.Einsum("jk,lm->jklm", a[0], b[0]), Tensor.TensorDot(a[0], b[0], 0));
        Same(Loops.Einsum("jk,jk->", a[0], a[1]), Tensor.TensorDot(a[0], a[1]));
    }

    private static void Same((Shape Shape, double[] Values) expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(expected.Values, actual.ToArray<double>(), (x, y) => Math.Abs(x - y) < 1e-9);
    }

    // Letters have lengths of their own; those of an ellipsis are '<', '=', … from the right.
    private static string Spelled(string notation, int ellipsis) => notation.Replace("...", "=<"[(2 - ellipsis)..]);

    private static Tensor Operand(string term, int stream, DType type) =>
        Values(Shape.Of([.. term.Select(c => char.IsLetter(c) ? 2L + c % 3 : c == '<' ? 2L : 3)]), stream, type);

    private static Tensor Values(Shape shape, int stream, DType type) => Tensor.RandomIntegers(shape, (ulong)stream, -9, 10).Convert(type);

    private static void Refused(string sentence, Func<object> act) => Assert.Contains(sentence, Assert.Throws<GraphException>(act).Message);
}
