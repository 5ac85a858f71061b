using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class SampleOrderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1000)]
    [InlineData(20_000)]
    public void An_epoch_visits_every_sample_exactly_once(long count)
    {
        var order = new SampleOrder(5, count);
        for (long epoch = 0; epoch < 2; epoch++)
            Assert.Equal(count, Epoch(order, epoch).Distinct().Count());
        Assert.All(Epoch(order, 0), sample => Assert.InRange(sample, 0, count - 1));
    }

    [Fact]
    public void Other_epochs_and_seeds_have_other_orders()
    {
        var order = Epoch(new SampleOrder(1, 500), 0);
        Assert.NotEqual(order, Epoch(new SampleOrder(1, 500), 1));
        Assert.NotEqual(order, Epoch(new SampleOrder(2, 500), 0));
        Assert.Equal(order, Epoch(new SampleOrder(1, 500), 0));
    }

    [Fact]
    public void Samples_are_well_mixed()
    {
        // The first of ten parts should draw evenly from all ten parts: χ² with 9 degrees of freedom stays below 27.9 in 999 of 1000 cases.
        var order = new SampleOrder(3, 10_000);
        for (long epoch = 0; epoch < 3; epoch++)
        {
            var parts = Epoch(order, epoch).Take(1000).GroupBy(sample => sample / 1000).Select(g => g.Count()).ToArray();
            Assert.Equal(10, parts.Length);
            Assert.InRange(parts.Sum(n => (n - 100.0) * (n - 100) / 100), 0, 27.9);
        }
    }

    [Fact]
    public void The_order_is_fixed_for_all_time()
    {
        var order = new SampleOrder(1, 60_000);
        Assert.Equal(Golden, new[] { order[0, 0], order[0, 1], order[0, 59_999], order[4, 0], order[1L << 40, 7] });
    }

    private static readonly long[] Golden = [42017, 59827, 15290, 39605, 7354];

    [Fact]
    public void A_place_beyond_the_epoch_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SampleOrder(1, 10)[0, 10]);

    private static long[] Epoch(SampleOrder order, long epoch) => [.. Enumerable.Range(0, (int)order.Count).Select(i => order[epoch, i])];
}
