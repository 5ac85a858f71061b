using Singa.Actors.Devices;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Tests;

/// <summary>The README's lines of tensors by hand, run as they stand there.</summary>
public sealed class TensorByHandTests
{
    [Fact]
    public void The_lines_in_the_readme_find_the_weights_they_were_made_from()
    {
        // README: begin
        var x = Tensor.RandomNormal(Shape.Of(256, 3), seed: 1);                 // lazy: so far only a graph
        var y = x.MatMul(Tensor.From([1f, -2, 0.5f])) + 0.25;
        Tensor.Evaluate(x, y);
        var (w, b) = (Tensor.Zeros(3), Tensor.From(0f));
        for (int round = 0; round < 100; round++)
        {
            var loss = (x.MatMul(w) + b - y).Square().Mean();
            var gradients = Gradients.Of(loss, [w, b]);
            (w, b) = ((w - 0.1 * gradients[0]).Detach(), (b - 0.1 * gradients[1]).Detach());
            Tensor.Evaluate(w, b);                                              // compiled once, whatever the numbers
        }

        w.Print();                                                              // float32[3]: [ 1.0, -2.0,  0.5]
        var attention = Tensor.Einsum("qd,kd->qk", x[..4], x[^8..]).Softmax();  // [4, 8]
        float[] weights = attention[0, 1..].ToArray<float>();
        // README: end
        Assert.Equal("float32[3]: [ 1.0, -2.0,  0.5]", w.Show());
        Assert.Equal(0.25f, b.ToScalar<float>(), 1e-4f);
        Assert.Equal(7, weights.Length);
        Assert.All(attention.Sum(1).ToArray<float>(), sum => Assert.Equal(1, sum, 1e-5f));
    }

    [Fact]
    public void The_readme_has_the_very_lines_that_are_run_here() => ReadmeExample.Check("tests", "Runtime", "TensorByHandTests.cs");
}
