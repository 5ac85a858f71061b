using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices.Tests.Training;

public sealed class PositionTests
{
    [Fact]
    public void Sinusoidal_positions_are_sines_and_cosines_of_falling_frequencies()
    {
        const int time = 300, features = 6;
        var values = Apply(new SinusoidalPositions(), Fill.Create(DType.Float64, Shape.Of(1, time, features), 0));
        for (int i = 0; i < values.Length; i++)
        {
            double angle = i / features * Math.Pow(10000, -(i % features / 2) / 3.0);
            Assert.Equal(i % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle), values[i], 1e-12);
        }
    }

    /// <summary>The product of a turned query and a turned key depends on how far apart they are, not on where.</summary>
    [Fact]
    public void Rotary_products_know_distances_only()
    {
        double[] row = [0.3, -1.2, 0.7, 2.0];
        var x = Constant.Create<double>([.. Enumerable.Repeat(row, 6).SelectMany(r => r)], Shape.Of(1, 6, 4));
        var turned = Positions.Rotate(x).Reshape(Shape.Of(6, 4));
        using var runner = new GraphRunner(new ReferenceBackend(), [], [turned.MatMul(turned.Transpose(1, 0))]);
        double[] products = runner.Run()[0];
        Assert.Equal(row.Sum(v => v * v), products[0], 1e-12);
        for (int i = 0; i < 5; i++)
            Assert.All(Enumerable.Range(0, 5), j => Assert.Equal(products[i * 6 + j], products[(i + 1) * 6 + j + 1], 1e-12));
        Assert.NotEqual(products[0], products[1], 1e-3);
    }

    [Fact]
    public void Normal_first_values_are_normal()
    {
        const int count = 40_000;
        using var runner = new GraphRunner(new ReferenceBackend(), [], [new Normal(0.5).Create(3, "w", new TensorType(DType.Float64, Shape.Of(count)), default)]);
        double[] values = runner.Run()[0];
        Assert.Equal(0, values.Average(), 0.01);
        Assert.Equal(0.25, values.Average(v => v * v), 0.01);
        // As many within one deviation and beyond two as there should be.
        Assert.Equal(0.6827, values.Count(v => Math.Abs(v) < 0.5) / (double)count, 0.01);
        Assert.Equal(0.0455, values.Count(v => Math.Abs(v) > 1) / (double)count, 0.005);
    }

    [Fact]
    public void A_sequence_longer_than_the_learned_positions_is_refused()
    {
        var error = Assert.Throws<GraphException>(() => Apply(new PositionEmbedding(4) { Name = "positions" }, Fill.Create(DType.Float64, Shape.Of(1, 5, 2), 0)));
        Assert.Contains("[1, 5, 2]", error.Message);
        Assert.Contains("at most 4", error.Message);
    }

    private static double[] Apply(Module module, Tensor input)
    {
        var output = module.Apply(input, new ModuleContext(new ModuleRequests(), DType.Float64));
        using var runner = new GraphRunner(new ReferenceBackend(), [], [output]);
        return [.. runner.Run()[0]];
    }
}
