using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class MovementTests
{
    private static readonly Tensor X = Tensor.Arange(24).Reshape(2, 3, 4);

    [Fact]
    public void Places_and_ranges()
    {
        Is(X[1], Shape.Of(3, 4), [.. Enumerable.Range(12, 12)]);
        Is(X[.., 0, 1..3], Shape.Of(2, 2), [1, 2, 13, 14]);
        Is(X[1, 2, 3], Shape.Scalar, [23]);
        Is(X[-1, ^1, -4], Shape.Scalar, [20]);
        Is(X[0, 1..], Shape.Of(2, 4), [.. Enumerable.Range(4, 8)]);
        Is(X[0, ^2..^1, ..2], Shape.Of(1, 2), [4, 5]);
        Is(X[TensorIndex.Ellipsis, 1], Shape.Of(2, 3), [1, 5, 9, 13, 17, 21]);
        Is(X[0, TensorIndex.Ellipsis, 1], Shape.Of(3), [1, 5, 9]);
        Is(X[0, 0, TensorIndex.NewAxis, .., TensorIndex.NewAxis], Shape.Of(1, 4, 1), [0, 1, 2, 3]);
        Is(X[1, 0, (..).Step(2)], Shape.Of(2), [12, 14]);
        Is(X[1, (1..).Step(5), (1..4).Step(2)], Shape.Of(1, 2), [17, 19]);
        Is(X[0, 0, TensorIndex.Between(1L, 3L)], Shape.Of(2), [1, 2]);
        Is(X[0, 2..2], Shape.Of(0, 4), []);
        Assert.Same(X, X[..]);
        Assert.Same(X, X[TensorIndex.Ellipsis]);
    }

    [Fact]
    public void Indices_that_are_not_there_are_refused_by_axis()
    {
        Refused("axis 0 of [2, 3, 4] has no element 2: they are 0 to 1", () => X[2]);
        Refused("axis 1 of [2, 3, 4] has no element ^4: they are 0 to 2", () => X[0, -4]);
        Refused("axis 2 of [2, 3, 4] has no elements 1..5: it has 4", () => X[0, 0, 1..5]);
        Refused("axis 0 of [2, 3, 4] has no elements 2..1: it has 2", () => X[2..1]);
        Refused("4 indices for [2, 3, 4], which has 3 axes", () => X[0, 0, 0, 0]);
        Refused("two ellipses", () => X[TensorIndex.Ellipsis, TensorIndex.Ellipsis]);
        Refused("a step of -1: steps go forwards, Flip turns an axis round", () => X[(..).Step(-1)]);
        Refused("elements are picked by int32 indices, not by bool[2, 3, 4]: how many a mask picks is not known", () => X[X > 3]);
    }

    [Fact]
    public void A_part_is_replaced()
    {
        var x = Tensor.Arange(12).Reshape(3, 4);
        Is(x.With(Tensor.From([-1, -2, -3, -4]), 1), Shape.Of(3, 4), [0, 1, 2, 3, -1, -2, -3, -4, 8, 9, 10, 11]);
        Is(x.With(0, .., ^1), Shape.Of(3, 4), [0, 1, 2, 0, 4, 5, 6, 0, 8, 9, 10, 0]);
        Is(x.With(Tensor.From([7, 9]), (..).Step(2), (1..).Step(2)), Shape.Of(3, 4), [0, 7, 2, 9, 4, 5, 6, 7, 8, 7, 10, 9]);
        Is(x.With(5), Shape.Of(3, 4), [.. Enumerable.Repeat(5, 12)]);
        Is(x.With(5, 2..2), Shape.Of(3, 4), [.. Enumerable.Range(0, 12)]);
        Assert.Equal([float.NaN, 1], Tensor.From([2f, 1]).With(float.NaN, 0).ToArray<float>());
        Refused("a part int32[4] of int32[3, 4] is not replaced by int32[3]", () => x.With(Tensor.From([1, 2, 3]), 1));
        Refused("a part int32[4] of int32[3, 4] is not replaced by float32[4]", () => x.With(Tensor.Zeros(4), 1));
        Refused("axis 0 of [3, 4] has no element 3", () => x.With(1, 3));
    }

    [Fact]
    public void Rows_are_picked_by_indices()
    {
        Is(X[Tensor.From([1, 1])][.., 0, 0], Shape.Of(2), [12, 12]);
        Is(X.Gather(Tensor.From(new[,] { { 2, 0 } }), 1)[1, .., .., 0], Shape.Of(1, 2), [20, 12]);
        Is(X.Gather(Tensor.From([3, -1, 4]), 2)[0, 0], Shape.Of(3), [3, 0, 0]);
    }

    [Fact]
    public void Shapes()
    {
        Assert.Equal(Shape.Of(6, 4), X.Reshape(-1, 4).Shape);
        Assert.Equal(Shape.Of(2, 12), X.Flatten(1).Shape);
        Assert.Equal(Shape.Of(24), X.Flatten().Shape);
        Assert.Equal(Shape.Of(1), Tensor.From(1f).Flatten().Shape);
        Assert.Equal(Shape.Of(2, 1, 3, 4), X.Unsqueeze(1).Shape);
        Assert.Equal(Shape.Of(2, 3, 4, 1), X.Unsqueeze(-1).Shape);
        Assert.Equal(Shape.Of(2, 3, 4), X.Unsqueeze(0).Unsqueeze(-1).Squeeze().Shape);
        Assert.Equal(Shape.Of(1, 2, 3, 4), X.Unsqueeze(0).Unsqueeze(-1).Squeeze(-1).Shape);
        Is(X[0, ..2].Transpose(), Shape.Of(4, 2), [0, 4, 1, 5, 2, 6, 3, 7]);
        Assert.Equal(Shape.Of(4, 3, 2), X.Transpose().Shape);
        Assert.Equal(Shape.Of(4, 2, 3), X.Transpose(-1, 0, 1).Shape);
        Assert.Equal(Shape.Of(2, 4, 3), X.SwapAxes(-1, -2).Shape);
        Refused("[2, 3, 4] has 24 elements and cannot be reshaped to [5, -1]: one −1 stands for what the others leave", () => X.Reshape(5, -1));
        Refused("cannot be reshaped to [-1, -1]", () => X.Reshape(-1, -1));
        Refused("[2, 3, 4] has 24 elements and cannot be reshaped to [5, 5]", () => X.Reshape(5, 5));
        Refused("axis 0 of [2, 3, 4] has 2 elements: only an axis of one can go", () => X.Squeeze(0));
        Refused("a new axis of [2, 3, 4] can be number 0 to 3, not 4", () => X.Unsqueeze(4));
        Refused("[0, 0, 1] is no order of the axes of [2, 3, 4]", () => X.Transpose(0, 0, 1));
    }

    [Fact]
    public void Joining_cutting_and_repeating()
    {
        var (a, b) = (Tensor.From([1, 2]), Tensor.From([3, 4]));
        Is(Tensor.Concat(0, a, b), Shape.Of(4), [1, 2, 3, 4]);
        Is(Tensor.Stack(0, a, b), Shape.Of(2, 2), [1, 2, 3, 4]);
        Is(Tensor.Stack(-1, a, b), Shape.Of(2, 2), [1, 3, 2, 4]);
        Assert.Equal([[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]], X[0].Chunk(4, -1).Select(c => c.ToArray<int>()));
        Is(X[0].Split(0, 1, 2)[1], Shape.Of(2, 4), [.. Enumerable.Range(4, 8)]);
        Is(a.Tile(2), Shape.Of(4), [1, 2, 1, 2]);
        Is(a.Tile(2, 2), Shape.Of(2, 4), [1, 2, 1, 2, 1, 2, 1, 2]);
        Is(Tensor.Stack(0, a, b).Tile(2), Shape.Of(2, 4), [1, 2, 1, 2, 3, 4, 3, 4]);
        Is(a.Tile(0), Shape.Of(0), []);
        Is(a.Repeat(3, 0), Shape.Of(6), [1, 1, 1, 2, 2, 2]);
        Is(Tensor.Stack(0, a, b).Repeat(2, 1), Shape.Of(2, 4), [1, 1, 2, 2, 3, 3, 4, 4]);
        Is(Tensor.Stack(0, a, b).Flip(0, 1), Shape.Of(2, 2), [4, 3, 2, 1]);
        Refused("axis 0 of [2, 3, 4] cannot be cut into 5 equal pieces; Split takes lengths", () => X.Chunk(5));
        Refused("axis 1 of [2, 3, 4] cannot be cut into [1, 1]", () => X.Split(1, 1, 1));
        Refused("differ in more than axis 0", () => Tensor.Concat(0, X, X[.., ..2]));
        Refused("a concatenation of nothing", () => Tensor.Stack(0));
    }

    [Fact]
    public void Padding()
    {
        var x = Tensor.From([1, 2, 3]);
        Is(x.Pad([(2, 1)]), Shape.Of(6), [0, 0, 1, 2, 3, 0]);
        Is(x.Pad([(0, 1)], 9), Shape.Of(4), [1, 2, 3, 9]);
        Is(x.Pad(PadMode.Edge, (2, 1)), Shape.Of(6), [1, 1, 1, 2, 3, 3]);
        Is(x.Pad(PadMode.Reflect, (2, 1)), Shape.Of(6), [3, 2, 1, 2, 3, 2]);
        Is(x.Pad(PadMode.Wrap, (2, 1)), Shape.Of(6), [2, 3, 1, 2, 3, 1]);
        Is(X[0, ..2, ..2].Pad(PadMode.Reflect, (1, 0), (0, 1)), Shape.Of(3, 3), [4, 5, 4, 0, 1, 0, 4, 5, 4]);
        Is(X[.., 0].Pad([(1, 0)], 7), Shape.Of(2, 5), [7, 0, 1, 2, 3, 7, 12, 13, 14, 15]);
        Refused("Reflect padding of 3 and 0 of axis 0 of [3]: at most 2 fit", () => x.Pad(PadMode.Reflect, (3, 0)));
        Refused("padding names 2 axes and [3] has 1", () => x.Pad([(0, 0), (1, 1)]));
        Refused("padding of [3] cannot be negative", () => x.Pad([(-1, 0)]));
        Assert.Equal([float.PositiveInfinity, 1], Tensor.From([1f]).Pad([(1, 0)], double.PositiveInfinity).ToArray<float>());
    }

    [Fact]
    public void Adding_where_indices_say()
    {
        var zeros = Tensor.Zeros(Shape.Of(2, 3), DType.Int32);
        Is(zeros.ScatterAdd(Tensor.From([1, 1, 0]), Tensor.Arange(9).Reshape(3, 3)), Shape.Of(2, 3), [6, 7, 8, 3, 5, 7]);
        Is(zeros.ScatterAdd(Tensor.From([2, 2]), Tensor.From(new[,] { { 1, 10 }, { 2, 20 } }), 1), Shape.Of(2, 3), [0, 0, 11, 0, 0, 22]);
        Is((zeros + 5).ScatterAdd(Tensor.From(new[,] { { 0, 2 } }), Tensor.Ones(Shape.Of(2, 1, 2), DType.Int32), -1), Shape.Of(2, 3), [6, 5, 6, 6, 5, 6]);
        Refused("adding to axis 1 of [2, 3] at indices [2] takes updates [2, 2], not [2, 3]", () => zeros.ScatterAdd(Tensor.From([2, 2]), zeros, 1));
    }

    [Fact]
    public void Diagonals_and_triangles()
    {
        var x = Tensor.Arange(9).Reshape(3, 3);
        Is(x.Diagonal(), Shape.Of(3), [0, 4, 8]);
        Is(Tensor.Arange(18).Reshape(3, 2, 3).Diagonal(0, 2), Shape.Of(2, 3), [0, 7, 14, 3, 10, 17]);
        Is(x.Tril(), Shape.Of(3, 3), [0, 0, 0, 3, 4, 0, 6, 7, 8]);
        Is(x.Tril(1), Shape.Of(3, 3), [0, 1, 0, 3, 4, 5, 6, 7, 8]);
        Is(x.Triu(), Shape.Of(3, 3), [0, 1, 2, 0, 4, 5, 0, 0, 8]);
        Is(x.Triu(1), Shape.Of(3, 3), [0, 1, 2, 0, 0, 5, 0, 0, 0]);
        Is(x.Triu(-1), Shape.Of(3, 3), [0, 1, 2, 3, 4, 5, 0, 7, 8]);
        Refused("axes 0 and 2 of [2, 3, 4] have no diagonal", () => X.Diagonal(0, 2));
        Refused("[3] is no matrix and has no triangle", () => Tensor.Arange(3).Tril());
    }

    private static void Is(Tensor tensor, Shape shape, int[] values)
    {
        Assert.Equal(shape, tensor.Shape);
        Assert.Equal(values, tensor.ToArray<int>());
    }

    private static void Refused(string sentence, Func<object> act) => Assert.Contains(sentence, Assert.Throws<GraphException>(act).Message);
}
