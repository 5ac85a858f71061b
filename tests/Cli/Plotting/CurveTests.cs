using Singa.Actors.Cli.Plotting;

namespace Singa.Actors.Cli.Tests.Plotting;

public sealed class CurveTests
{
    [Fact]
    public void Smoothing_keeps_a_straight_level_and_takes_the_jumps_out_of_a_crowd()
    {
        var level = Of([.. Enumerable.Repeat(3.0, 200)]);
        Assert.All(level.Smoothed(0.05).Values, v => Assert.Equal(3.0, v, 12));
        var jumping = Of([.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? 1.0 : 5.0)]);
        Assert.All(jumping.Smoothed(0.05).Values, v => Assert.InRange(v, 2.7, 3.3));
    }

    [Fact]
    public void Thinning_keeps_ends_order_and_every_extreme()
    {
        var values = Enumerable.Range(0, 10_000).Select(i => Math.Sin(i * 0.7)).ToArray();
        (values[1234], values[7777]) = (50, -50);
        var thin = Of(values).Thinned(500);
        Assert.InRange(thin.Values.Length, 250, 500);
        Assert.Equal(50, thin.Values.Max());
        Assert.Equal(-50, thin.Values.Min());
        Assert.Equal(thin.Steps.Order(), thin.Steps);
        Assert.All(thin.Steps.Zip(thin.Values), point => Assert.Equal(values[(int)point.First], point.Second));
        Assert.Same(thin, thin.Thinned(500));
    }

    [Theory]
    [InlineData(Figure.Loss, new[] { 2.3, 0.1, 0.05, 0.04 }, true)]
    [InlineData(Figure.Loss, new[] { 2.3, 2.0, 1.5, 1.2 }, false)]
    [InlineData(Figure.Loss, new[] { 2.3, 0.1, 0.0, -0.04 }, false)]
    [InlineData(Figure.Accuracy, new[] { 0.99, 0.1, 0.01, 0.01 }, false)]
    internal void The_scale_is_logarithmic_where_the_end_would_lie_flat_on_the_axis(Figure figure, double[] values, bool logarithmic) =>
        Assert.Equal(logarithmic, Scale.For(figure, [Of(values) with { Figure = figure }]).IsLogarithmic);

    private static Curve Of(double[] values) => new("run", Figure.Loss, false, [.. values.Select((_, i) => (double)i)], values);
}
