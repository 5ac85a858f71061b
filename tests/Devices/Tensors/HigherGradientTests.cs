using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>Gradients are graphs and have gradients.</summary>
public sealed class HigherGradientTests
{
    private static readonly Tensor X = Tensor.RandomNormal(Shape.Of(5, 4), 1, type: DType.Float64);

    // A small network: products, an activation, a softmax over an axis, an index.
    private static Tensor Loss(Tensor w)
    {
        var hidden = X.MatMul(w[..12].Reshape(4, 3)).Tanh();
        var scores = (hidden.MatMul(w[12..18].Reshape(3, 2)) + w[18..]).LogSoftmax();
        return -(scores[.., 0].Square() + scores[.., 1]).Mean();
    }

    [Fact]
    public void A_Hessian_times_a_vector_is_the_difference_of_gradients()
    {
        var (w, v) = (Tensor.RandomNormal(Shape.Of(20), 2, 0, 0.5, DType.Float64), Tensor.RandomNormal(Shape.Of(20), 3, type: DType.Float64));
        var product = Graph.Gradients.Of((Graph.Gradients.Of(Loss(w), [w])[0] * v).Sum(), [w])[0].ToArray<double>();
        const double h = 1e-5;
        double[] at = w.ToArray<double>(), along = v.ToArray<double>();
        double[] Gradient(double step)
        {
            var moved = Tensor.From([.. at.Zip(along, (a, d) => a + step * d)]);
            return Graph.Gradients.Of(Loss(moved), [moved])[0].ToArray<double>();
        }

        double[] differences = [.. Gradient(h).Zip(Gradient(-h), (above, below) => (above - below) / (2 * h))];
        Assert.Equal(differences, product, (a, b) => Math.Abs(a - b) <= 1e-7 * Math.Max(1, Math.Abs(a)));
        Assert.Contains(product, p => Math.Abs(p) > 1e-2);
    }

    [Fact]
    public void Derivatives_of_any_order()
    {
        var x = Tensor.From(0.7);
        var f = x.Sin() * x.Exp();
        for (int order = 0; order < 4; order++)
            f = Graph.Gradients.Of(f, [x])[0];
        // Four derivatives of e^x sin x are −4 e^x sin x.
        Assert.Equal(-4 * Math.Exp(0.7) * Math.Sin(0.7), f.ToScalar<double>(), 1e-9);
    }

    [Fact]
    public void A_whole_Hessian_row_by_row()
    {
        var w = Tensor.From([1.0, 2, 3]);
        var gradient = Graph.Gradients.Of(w[0] * w[1] * w[2] + w[0].Pow(3), [w])[0];
        var hessian = Tensor.Stack(0, [.. Enumerable.Range(0, 3).Select(i => Graph.Gradients.Of(gradient[i], [w])[0])]);
        Assert.Equal([6, 3, 2, 3, 0, 1, 2, 1, 0], hessian.ToArray<double>());
    }

    [Fact]
    public void What_was_evaluated_is_still_differentiated()
    {
        var x = Tensor.From([1.0, 2]);
        var y = (x * x)[1];
        Assert.Equal(4, y.ToScalar<double>());
        Assert.Equal([0, 4], Graph.Gradients.Of(y, [x])[0].ToArray<double>());
        Assert.Equal([0, 0], Graph.Gradients.Of(y.Detach(), [x])[0].ToArray<double>());
        Assert.Equal([0, 4], Graph.Gradients.Of(y + y.Detach(), [x])[0].ToArray<double>());
        Assert.Contains("gradients are of a floating scalar, not float64[2]: sum the loss first", Assert.Throws<GraphException>(() => Graph.Gradients.Of(x, [x])).Message);
    }
}
