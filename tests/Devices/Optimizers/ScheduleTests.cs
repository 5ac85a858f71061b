using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Devices.Tests.Optimizers;

public sealed class ScheduleTests
{
    [Fact]
    public void Constant() => Is(new ConstantSchedule(), 10, (0, 1), (9, 1));

    [Fact]
    public void Cosine_falls_to_nothing_or_to_what_is_asked()
    {
        Is(new CosineSchedule(), 8, (0, 1), (2, (1 + Math.Sqrt(0.5)) / 2), (4, 0.5), (8, 0));
        Is(new CosineSchedule { To = 0.1 }, 8, (0, 1), (4, 0.55), (8, 0.1));
    }

    [Fact]
    public void Step_falls_at_the_very_step()
    {
        Is(new StepSchedule(30), 90, (0, 1), (29, 1), (30, 0.1), (59, 0.1), (60, 0.01), (89, 0.01));
        Is(new StepSchedule(3) { Gamma = 0.5 }, 12_000_000, (2, 1), (3, 0.5), (5, 0.5), (6, 0.25), (119, Math.Pow(0.5, 39)), (120, Math.Pow(0.5, 40)));
        Is(new StepSchedule(99_999) { Gamma = 0.5 }, 12_000_000, (9_999_899, Math.Pow(0.5, 99)), (9_999_900, Math.Pow(0.5, 100)));
    }

    [Fact]
    public void Exponential() => Is(new ExponentialSchedule(0.999), 5000, (0, 1), (1, 0.999), (1000, Math.Pow(0.999, 1000)), (5000, Math.Pow(0.999, 5000)));

    [Fact]
    public void Warm_up_leads_to_any_other() => Is(new WarmUpSchedule(100, new CosineSchedule { To = 0.1 }), 1100,
        (0, 0.01), (1, 0.02), (98, 0.99), (99, 1), (100, 1), (600, 0.55), (1100, 0.1));

    [Fact]
    public void Warm_up_as_long_as_the_job_is_all_of_it() => Is(new WarmUpSchedule(4, new CosineSchedule()), 4, (0, 0.25), (3, 1));

    private static void Is(Schedule schedule, long totalSteps, params (int Step, double Factor)[] expected)
    {
        var step = GraphRunner.Input(0, Shape.Scalar);
        using var backend = new ReferenceBackend();
        using var runner = new GraphRunner(backend, [step], [schedule.Factor(step.Convert(DType.Float32), totalSteps).Convert(DType.Float64)]);
        foreach (var (number, factor) in expected)
        {
            double actual = runner.Run([(double)number])[0][0];
            // A power is as exact as its float32 exponent: half a unit in the last place of ln(factor) is that much of the factor.
            double tolerance = factor == 0 ? 1e-7 : (3e-6 + Math.Abs(Math.Log(factor)) * 6e-8) * factor;
            Assert.True(Math.Abs(actual - factor) <= tolerance, $"step {number}: {actual} for {factor}");
        }
    }
}
