using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>
/// What Apache SINGA 5.1 computes wrongly, aborts on or raises for, by hand. Others are where their subject is: soft and floating targets,
/// binary cross-entropy and the upstream of softmax cross-entropy in <see cref="Devices.Tests.Losses.LossTests"/>, dropout's scale and fresh
/// masks and batch norm's momentum in <see cref="Training.NormalisationTests"/>.
/// </summary>
public sealed class SingaFaultsTests
{
    [Fact]
    public void Reduce_sum_gives_each_element_the_whole_gradient()
    {
        var x = Tensor.From(new[,] { { 1.0, 2, 3 }, { 4, 5, 6 } });
        Is([3, 3, 3, -1, -1, -1], Gradient((x.Sum(1) * Tensor.From([3.0, -1])).Sum(), x));
        Is([2, 2, 2, 2, 2, 2], Gradient(x.Sum() * 2, x));
    }

    [Fact]
    public void Max_and_min_pass_on_the_upstream_gradient()
    {
        var x = Tensor.From(new[,] { { 1.0, 7, 3 }, { 9, 5, 6 } });
        var upstream = Tensor.From([10.0, -4]);
        Is([0, 10, 0, -4, 0, 0], Gradient((x.Max(1) * upstream).Sum(), x));
        Is([10, 0, 0, 0, -4, 0], Gradient((x.Min(1) * upstream).Sum(), x));
        var y = Tensor.From(new[,] { { 2.0, 7, 0 }, { 8, 6, 6 } });
        // Of equal ones each takes half.
        Is([0, 5 / 2.0, 5, 5, 0, 5 / 2.0], Gradient((x.Maximum(y) * 5).Sum(), x));
        Is([5, 5 / 2.0, 0, 0, 5, 5 / 2.0], Gradient((x.Minimum(y) * 5).Sum(), x));
    }

    [Fact]
    public void Erf_has_the_slope_of_the_bell_curve()
    {
        var x = Tensor.From([0.0, 1, -1]);
        Is([1.1283791670955126, 1.1283791670955126 / Math.E, 1.1283791670955126 / Math.E], Gradient(x.Erf().Sum(), x));
    }

    [Fact]
    public void Gather_adds_up_what_repeated_indices_send_back()
    {
        var table = Tensor.From(new[,] { { 1.0, 2 }, { 3, 4 }, { 5, 6 } });
        var upstream = Tensor.From(new[,] { { 1.0, 10 }, { 2, 20 }, { 4, 40 } });
        Is([0, 0, 2, 20, 5, 50], Gradient((table[Tensor.From([2, 1, 2])] * upstream).Sum(), table));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, -1)]
    [InlineData(4, 0)]
    [InlineData(4, 1)]
    [InlineData(4, 2)]
    [InlineData(4, 3)]
    public void Softmax_of_any_rank_along_any_axis(int rank, int axis)
    {
        // Two logits along the axis, softmax ¼ and ¾; beside them a second pair, ½ and ½.
        int at = axis < 0 ? axis + rank : axis, other = (at + 1) % rank;
        var shape = Shape.Of([.. Enumerable.Range(0, rank).Select(a => a == at || a == other ? 2L : 1)]);
        double[,] logits = { { 0, Math.Log(3) }, { 5, 5 } };
        // In memory the axis comes before the other one, or after it.
        double[] values = at < other ? [logits[0, 0], logits[1, 0], logits[0, 1], logits[1, 1]] : [logits[0, 0], logits[0, 1], logits[1, 0], logits[1, 1]];
        var x = Tensor.From(values).Reshape(shape);
        double[] expected = at < other ? [0.25, 0.5, 0.75, 0.5] : [0.25, 0.75, 0.5, 0.5];
        Is(expected, x.Softmax(axis));
        // d p0 / d (x0, x1) = p0 (1 − p0), −p0 p1.
        var first = x.Softmax(axis).Slice([.. Enumerable.Repeat(0L, rank)], [.. Enumerable.Repeat(1L, rank)], [.. Enumerable.Repeat(1L, rank)]);
        Is(at < other ? [3.0 / 16, 0, -3.0 / 16, 0] : [3.0 / 16, -3.0 / 16, 0, 0], Gradient(first.Sum(), x));
    }

    [Fact]
    public void Products_of_three_and_four_dimensions_have_gradients()
    {
        var (a, b) = (Tensor.From([1.0, 2, 3, 4]).Reshape(1, 1, 2, 2), Tensor.From([5.0, 6, 7, 8]).Reshape(1, 1, 2, 2));
        Is([19, 22, 43, 50], a.MatMul(b));
        var upstream = Tensor.From([1.0, 0, 0, 2]).Reshape(1, 1, 2, 2);
        Is([5, 7, 12, 16], Gradient((a.MatMul(b) * upstream).Sum(), a));
        Is([1, 6, 2, 8], Gradient((a.MatMul(b) * upstream).Sum(), b));
        // Three dimensions by two.
        var c = Tensor.From([1.0, 2, 3, 4]).Reshape(2, 1, 2);
        Is([11, 15, 11, 15], Gradient(c.MatMul(Tensor.From(new[,] { { 5.0, 6 }, { 7, 8 } })).Sum(), c));
        var w = Tensor.From(new[,] { { 5.0, 6 }, { 7, 8 } });
        Is([4, 4, 6, 6], Gradient(c.MatMul(w).Sum(), w));
    }

    [Fact]
    public void Padding_by_reflection_and_by_the_edge_sends_gradients_back()
    {
        var x = Tensor.From([1.0, 2, 3]);
        var upstream = Tensor.From([1.0, 2, 3, 4, 5, 6]);
        // 3 2 | 1 2 3 | 2
        Is([3, 2 + 4 + 6, 1 + 5], Gradient((x.Pad(PadMode.Reflect, (2, 1)) * upstream).Sum(), x));
        // 1 1 | 1 2 3 | 3
        Is([1 + 2 + 3, 4, 5 + 6], Gradient((x.Pad(PadMode.Edge, (2, 1)) * upstream).Sum(), x));
    }

    [Fact]
    public void An_index_keeps_the_gradient()
    {
        var x = Tensor.From(new[,] { { 1.0, 2 }, { 3, 4 } });
        Is([0, 0, 6, 8], Gradient((x[1] * x[1]).Sum(), x));
        Is([0, 3, 0, 0], Gradient(x[0, 1] * 3, x));
        Is([2, 0, 2, 0], Gradient((x[.., ..1] * 2).Sum(), x));
    }

    [Fact]
    public void The_mean_of_several_tensors()
    {
        var (a, b, c) = (Tensor.From([1.0, 2]), Tensor.From([4.0, 6]), Tensor.From([4.0, 1]));
        Is([3, 3], Tensor.MeanOf(a, b, c));
        Is([2 / 3.0, 4 / 3.0], Gradient((Tensor.MeanOf(a, b, c) * Tensor.From([2.0, 4])).Sum(), b));
    }

    [Fact]
    public void A_split_of_which_a_piece_is_not_used()
    {
        var x = Tensor.From([1.0, 2, 3, 4, 5]);
        var pieces = x.Split(0, 2, 1, 2);
        Is([2, 4, 0, 0, 0], Gradient((pieces[0] * pieces[0]).Sum(), x));
        Is([0, 0, 0, 3, 3], Gradient(pieces[2].Sum() * 3, x));
    }

    [Fact]
    public void Cross_entropy_with_floating_targets_and_an_upstream_gradient()
    {
        // Softmax 1/7, 2/7, 4/7.
        var x = Tensor.From(new[,] { { 0, Math.Log(2), Math.Log(4) } });
        var target = Tensor.From(new[,] { { 0.5, 0.3, 0.2 } });
        var loss = new SoftmaxCrossEntropy().PerSample(x, target);
        Is([Math.Log(7) - 0.7 * Math.Log(2)], loss);
        Is([10 * (1 / 7.0 - 0.5), 10 * (2 / 7.0 - 0.3), 10 * (4 / 7.0 - 0.2)], Gradient((loss * 10).Sum(), x));
    }

    [Fact]
    public void A_convolution_in_groups()
    {
        var image = Tensor.From([1.0, 2, 3, 4, 5, 6, 7, 8]).Reshape(1, 2, 2, 2);
        var filter = Tensor.From([1.0, 0, 0, -1, 2, 0, 0, 1]).Reshape(2, 1, 2, 2);
        var result = Convolve.Apply(image, filter, (1, 1), (0, 0), groups: 2);
        Is([1 - 4, 2 * 5 + 8], result);
        var loss = (result * Tensor.From([10.0, 100]).Reshape(1, 2, 1, 1)).Sum();
        Is([10, 0, 0, -10, 200, 0, 0, 100], Gradient(loss, image));
        Is([10, 20, 30, 40, 500, 600, 700, 800], Gradient(loss, filter));
    }

    [Fact]
    public void Any_scalar_starts_a_gradient_without_a_seed()
    {
        var x = Tensor.From([3.0]);
        Is([6], Gradient((x * x)[0], x));
    }

    [Fact]
    public void A_shape_that_does_not_fit_is_an_exception_and_not_the_end_of_the_process() =>
        Assert.Throws<GraphException>(() => Tensor.Zeros(2, 3) + Tensor.Zeros(3, 2));

    private static Tensor Gradient(Tensor loss, Tensor of) => Graph.Gradients.Of(loss, [of])[0];

    private static void Is(double[] expected, Tensor actual)
    {
        double[] values = actual.ToArray<double>();
        Assert.Equal(expected.Length, values.Length);
        Assert.All(expected.Zip(values), p => Assert.True(Math.Abs(p.First - p.Second) < 1e-12, $"[{string.Join(", ", values)}], not [{string.Join(", ", expected)}]"));
    }
}
