using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class StoppingStateTests
{
    [Fact]
    public void It_counts_the_tests_since_the_best()
    {
        Assert.Equal(new StoppingState(new TestFigures(0.4, null), 2, 1), After(0, 0.5, 0.4, 0.4));
        Assert.Equal(new StoppingState(new TestFigures(0.3, null), 4, 0), After(0, 0.5, 0.4, 0.41, 0.3));
    }

    [Fact]
    public void Less_than_the_least_improvement_is_none() => Assert.Equal(new StoppingState(new TestFigures(0.5, null), 1, 2), After(0.25, 0.5, 0.4, 0.25));

    [Fact]
    public void What_is_no_number_is_no_better()
    {
        Assert.Equal(new StoppingState(null, 0, 2), After(0, double.NaN, double.PositiveInfinity));
        Assert.Equal(new StoppingState(new TestFigures(9, null), 2, 1), After(0, double.NaN, 9, double.NaN));
    }

    private static StoppingState After(double minDelta, params double[] losses)
    {
        var state = StoppingState.Beginning;
        for (int i = 0; i < losses.Length; i++)
            state = state.After(new TestFigures(losses[i], null), i + 1, minDelta);
        return state;
    }
}
