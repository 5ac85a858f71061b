using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Tests.Optimizers;

/// <summary>What an optimizer remembers, stored in half the bytes.</summary>
public sealed class HalfStateTests
{
    private static readonly ScalarProgram Stored = ((Pointwise)HalfStorage.Remembered(Of(DType.Float32), Of(DType.Float32), Of(DType.Int32)).Producer.Op).Body;

    private static Tensor Of(DType type) => Placeholder.Create($"{type}", new TensorType(type, Shape.Scalar), BlockKind.Input);

    private static float Store(float state, float gradient, int step) => (float)ScalarEvaluator.Evaluate(Stored, [state, gradient, step])[0];

    /// <summary>A thousandth a step is less than half the distance to the next value: the nearest would never move.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Moves_by_less_than_a_value_are_not_lost(bool gradients)
    {
        const int states = 50, steps = 700;
        Assert.Equal(1, BFloat16.Round(0.999f));
        var random = new System.Random(1);
        double sum = 0;
        for (int i = 0; i < states; i++)
        {
            float state = 1;
            for (int step = 0; step < steps; step++)
                state = Store(state * 0.999f, gradients ? (float)(random.NextDouble() - 0.5) : 0, step);
            sum += state;
        }

        Assert.InRange(sum / states / Math.Pow(0.999, steps), 0.93, 1.07);
    }

    [Fact]
    public void A_value_goes_to_one_of_its_neighbours_by_how_near_it_is()
    {
        // A quarter of the way from 1 to the next.
        const float next = 1 + 1f / 128, value = 1 + 1f / 512;
        var stored = Enumerable.Range(0, 4000).Select(step => Store(value, 0.3f, step)).ToArray();
        Assert.All(stored, s => Assert.True(s is 1 or next));
        Assert.InRange(stored.Count(s => s == next) / 4000.0, 0.22, 0.28);
        Assert.All(stored, s => Assert.Equal(1, Store(1, 0.3f, 5)));
    }

    [Fact]
    public void What_is_no_number_stays_so()
    {
        for (int step = 0; step < 20; step++)
        {
            Assert.True(float.IsNaN(Store(BitConverter.UInt32BitsToSingle(0x7FFF_FFFF), step, step)));
            Assert.True(float.IsNaN(Store(float.NaN, step, step)));
            Assert.Equal(float.PositiveInfinity, Store(float.PositiveInfinity, step, step));
            Assert.Equal(float.NegativeInfinity, Store(float.NegativeInfinity, step, step));
            Assert.Equal(0, Store(0, step, step));
        }
    }
}
