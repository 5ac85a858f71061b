using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

public sealed class ReductionTests
{
    private static readonly Tensor X = Tensor.From(new[,] { { 3.0, -1, 4 }, { 1, -5, 4 } });

    [Fact]
    public void Over_all_over_axes_and_with_axes_kept()
    {
        Assert.Equal(6, X.Sum().ToScalar<double>());
        Assert.Equal([4, -6, 8], X.Sum(0).ToArray<double>());
        Assert.Equal([6, 0], X.Sum(-1).ToArray<double>());
        Assert.Equal(Shape.Of(2, 1), X.Sum([1], keepAxes: true).Shape);
        Assert.Equal(Shape.Of(1, 1), X.Max([-1, 0], keepAxes: true).Shape);
        Assert.Equal((4, -5), (X.Max().ToScalar<double>(), X.Min().ToScalar<double>()));
        Assert.Equal([3, -1, 4], X.Max(0).ToArray<double>());
        Assert.Equal([-1, -5], X.Min(1).ToArray<double>());
        Assert.Equal([2, 0], X.Mean(1).ToArray<double>());
        Assert.Equal(1, X.Mean().ToScalar<double>());
        Assert.Equal(7, Tensor.From(7.0).Sum().ToScalar<double>());
        Assert.Same(X, X.Sum([]));
        Assert.Equal([4, -6, 8], Tensor.From(new[,] { { 3L, -1, 4 }, { 1, -5, 4 } }).Sum(0).ToArray<long>().Select(x => (double)x));
        Refused("Sum over axes [2] of a tensor of shape [2, 3]", () => X.Sum(2));
        Refused("of no elements", () => Tensor.Zeros(2, 0).Max(1));
        Assert.Equal([0, 0], Tensor.Zeros(2, 0).Sum(1).ToArray<float>());
    }

    [Fact]
    public void Products_have_gradients_at_zeros()
    {
        Assert.Equal([-12, -20], X.Prod(1).ToArray<double>());
        Assert.Equal(240, X.Prod().ToScalar<double>());
        Assert.Equal([1, 1], Tensor.Zeros(0, 2).Prod(0).ToArray<float>());
        Assert.Equal(5040, Tensor.Arange(1, 8).Prod().ToScalar<int>());
        var x = Tensor.From([2.0, 0, 5]);
        Assert.Equal([0, 10, 0], Graph.Gradients.Of(x.Prod(), [x])[0].ToArray<double>());
    }

    [Fact]
    public void Where_the_extremes_are()
    {
        Assert.Equal([0, 0, 0], X.ArgMax(0).ToArray<int>());
        Assert.Equal([2, 2], X.ArgMax(1).ToArray<int>());
        Assert.Equal([1, 1], X.ArgMin(-1).ToArray<int>());
        Assert.Equal((2, 4), (X.ArgMax().ToScalar<int>(), X.ArgMin().ToScalar<int>()));
        Assert.Equal(1, Tensor.From([1.0, double.NaN, 3, double.NaN]).ArgMax().ToScalar<int>());
        Assert.Equal(DType.Int32, X.ArgMax(0).DType);
        Assert.Equal(2, Tensor.From([3L, 9, 1]).ArgMin().ToScalar<int>());
        Refused("Maximum over axes [2] of a tensor of shape [2, 3]", () => X.ArgMax(2));
    }

    [Fact]
    public void Spread_and_size()
    {
        Close([14.0 / 3, 14], X.Variance([1]));
        Close([7, 21], X.Variance([1], unbiased: true));
        Close([(9 + 1 + 16 + 1 + 25 + 16) / 6.0 - 1], X.Variance());
        Close([Math.Sqrt(68)], X.Norm());
        Close([4, 6, 8], X.Norm([0], 1));
        Close([4, 5], X.Norm([1], double.PositiveInfinity));
        Close([1, 1], X.Norm([1], double.NegativeInfinity));
        Close([Math.Cbrt(27 + 1 + 64), Math.Cbrt(1 + 125 + 64)], X.Norm([1], 3));
        Assert.Equal(Shape.Of(2, 1), X.Norm([1], keepAxes: true).Shape);
        Close([1000 + Math.Log(2)], Tensor.From([1000.0, 1000]).LogSumExp(0));
        Assert.Equal(Shape.Of(1, 3), X.LogSumExp(0, keepAxes: true).Shape);
    }

    [Fact]
    public void A_norm_has_a_gradient_at_zero()
    {
        var x = Tensor.From(new[,] { { 0.0, 0 }, { 3, -4 } });
        Close([0, 0, 0.6, -0.8], Graph.Gradients.Of(x.Norm([1]).Sum(), [x])[0]);
        Close([0, 0, 1, -1], Graph.Gradients.Of(x.Norm([1], 1).Sum(), [x])[0]);
        Close([0, 0, 9 / Math.Pow(91, 2.0 / 3), -16 / Math.Pow(91, 2.0 / 3)], Graph.Gradients.Of(x.Norm([1], 3).Sum(), [x])[0]);
    }

    [Fact]
    public void The_mean_of_several_tensors()
    {
        var (a, b, c) = (Tensor.From([1.0, 2]), Tensor.From([3.0, 5]), Tensor.From(2.0));
        Close([2, 3], Tensor.MeanOf(a, b, c));
        Refused("the mean of no tensors has no type", () => Tensor.MeanOf());
    }

    private static void Close(double[] expected, Tensor actual)
    {
        double[] values = actual.ToArray<double>();
        Assert.Equal(expected.Length, values.Length);
        Assert.All(expected.Zip(values), p => Assert.Equal(p.First, p.Second, 1e-12));
    }

    private static void Refused(string sentence, Func<object> act) => Assert.Contains(sentence, Assert.Throws<GraphException>(act).Message);
}
