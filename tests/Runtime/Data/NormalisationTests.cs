using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class NormalisationTests
{
    [Fact]
    public void Figures_are_mean_and_deviation_of_the_values_over_255()
    {
        byte[] values = [0, 255, 17, 200, 200, 3];
        var scaled = values.Select(v => v / 255.0).ToArray();
        double mean = scaled.Average(), deviation = Math.Sqrt(scaled.Select(v => (v - mean) * (v - mean)).Average());
        var normalisation = Normalisation.Of(values);
        Assert.Equal(mean, normalisation.Means[0], 1e-15);
        Assert.Equal(deviation, normalisation.StandardDeviations[0], 1e-15);
    }

    [Fact]
    public void Values_all_alike_become_zeros_not_infinities()
    {
        var normalisation = Normalisation.Of([9, 9, 9]);
        Assert.Equal(1, normalisation.StandardDeviations[0]);
        Assert.Equal(0, normalisation.Table(0)[9]);
    }
}
