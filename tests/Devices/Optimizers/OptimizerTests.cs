using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;

namespace Singa.Actors.Devices.Tests.Optimizers;

/// <summary>Each optimizer against its formula written down again in doubles, with the arithmetic of PyTorch.</summary>
public sealed class OptimizerTests
{
    private const int Count = 5, Steps = 20;

    private static readonly Dictionary<string, (Optimizer Optimizer, Func<Plain> Plain)> Cases = new()
    {
        ["sgd"] = (new Sgd { LearningRate = 0.1 }, () => new PlainSgd { Rate = 0.1 }),
        ["sgd with weight decay"] = (new Sgd { LearningRate = 0.1, WeightDecay = 0.05 }, () => new PlainSgd { Rate = 0.1, Decay = 0.05 }),
        ["sgd with momentum"] = (new Sgd { LearningRate = 0.1, Momentum = 0.9, WeightDecay = 0.05 }, () => new PlainSgd { Rate = 0.1, Momentum = 0.9, Decay = 0.05 }),
        ["sgd with dampening"] = (new Sgd { LearningRate = 0.1, Momentum = 0.9, Dampening = 0.3 }, () => new PlainSgd { Rate = 0.1, Momentum = 0.9, Dampening = 0.3 }),
        ["sgd with Nesterov's momentum"] = (new Sgd { LearningRate = 0.1, Momentum = 0.8, Nesterov = true }, () => new PlainSgd { Rate = 0.1, Momentum = 0.8, Nesterov = true }),
        ["adam"] = (new Adam { LearningRate = 0.1 }, () => new PlainAdam { Rate = 0.1 }),
        ["adam with weight decay"] = (new Adam { LearningRate = 0.1, WeightDecay = 0.05, Beta1 = 0.8, Beta2 = 0.99, Epsilon = 1e-3 },
            () => new PlainAdam { Rate = 0.1, Decay = 0.05, Beta1 = 0.8, Beta2 = 0.99, Epsilon = 1e-3 }),
        ["adam without first moments"] = (new Adam { LearningRate = 0.1, Beta1 = 0 }, () => new PlainAdam { Rate = 0.1, Beta1 = 0 }),
        ["adamw"] = (new AdamW { LearningRate = 0.1, WeightDecay = 0.1 }, () => new PlainAdam { Rate = 0.1, Decay = 0.1, Decoupled = true }),
        ["rmsprop"] = (new RmsProp { LearningRate = 0.05 }, () => new PlainRmsProp { Rate = 0.05 }),
        ["rmsprop with all it has"] = (new RmsProp { LearningRate = 0.05, Alpha = 0.9, Epsilon = 1e-3, Momentum = 0.7, WeightDecay = 0.02, Centered = true },
            () => new PlainRmsProp { Rate = 0.05, Alpha = 0.9, Epsilon = 1e-3, Momentum = 0.7, Decay = 0.02, Centered = true }),
        ["adagrad"] = (new AdaGrad { LearningRate = 0.1 }, () => new PlainAdaGrad { Rate = 0.1 }),
        ["adagrad with all it has"] = (new AdaGrad { LearningRate = 0.1, RateDecay = 0.05, InitialSum = 0.2, Epsilon = 1e-3, WeightDecay = 0.02 },
            () => new PlainAdaGrad { Rate = 0.1, RateDecay = 0.05, InitialSum = 0.2, Epsilon = 1e-3, Decay = 0.02 }),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Goes_as_its_formula_says(string name)
    {
        var (optimizer, plain) = Cases[name];
        using var run = new UpdateRun(optimizer, [.. Enumerable.Range(0, Count).Select(i => First(i))], Steps);
        var plains = Enumerable.Range(0, Count).Select(_ => plain()).ToArray();
        var expected = Enumerable.Range(0, Count).Select(i => (double)First(i)).ToArray();
        for (int step = 0; step < Steps; step++)
        {
            var gradients = Enumerable.Range(0, Count).Select(i => Gradient(step, i)).ToArray();
            var actual = run.Step(step, gradients);
            for (int i = 0; i < Count; i++)
            {
                expected[i] = plains[i].Next(expected[i], gradients[i], step + 1);
                Assert.True(Math.Abs(expected[i] - actual[i]) <= 2e-6 * Math.Max(1, Math.Abs(expected[i])), $"step {step}, element {i}: {actual[i]} for {expected[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Reads_and_writes_everything_once(string name)
    {
        using var run = new UpdateRun(Cases[name].Optimizer, new float[64], Steps);
        var wide = run.Plan["update"].Kernels.OfType<MapKernel>().Where(k => k.Targets[0].Shape.Count == 64).ToArray();
        Assert.Equal(1 + Cases[name].Optimizer.StateNames.Length, Assert.Single(wide).Targets.Length);
    }

    private static float First(int element) => 0.5f * element - 1;

    // Of very different sizes, and one that is always 0.
    private static float Gradient(int step, int element) =>
        element == 0 ? 0 : (Philox.ToUnitFloat(Philox.Block(5, (ulong)(step * Count + element), 0).W0) - 0.4f) * MathF.Pow(10, element - 3);

    private abstract class Plain
    {
        public double Rate { get; init; }
        public double Decay { get; init; }

        public abstract double Next(double p, double g, int t);
    }

    private sealed class PlainSgd : Plain
    {
        private double? velocity;

        public double Momentum { get; init; }
        public double Dampening { get; init; }
        public bool Nesterov { get; init; }

        public override double Next(double p, double g, int t)
        {
            g += Decay * p;
            if (Momentum == 0)
                return p - Rate * g;
            velocity = velocity is { } v ? Momentum * v + (1 - Dampening) * g : g;
            return p - Rate * (Nesterov ? g + Momentum * velocity.Value : velocity.Value);
        }
    }

    private sealed class PlainAdam : Plain
    {
        private double first, second;

        public double Beta1 { get; init; } = 0.9;
        public double Beta2 { get; init; } = 0.999;
        public double Epsilon { get; init; } = 1e-8;
        public bool Decoupled { get; init; }

        public override double Next(double p, double g, int t)
        {
            if (Decoupled)
                p *= 1 - Rate * Decay;
            else
                g += Decay * p;
            first = Beta1 * first + (1 - Beta1) * g;
            second = Beta2 * second + (1 - Beta2) * g * g;
            double mean = first / (1 - Math.Pow(Beta1, t)), variance = second / (1 - Math.Pow(Beta2, t));
            return p - Rate * mean / (Math.Sqrt(variance) + Epsilon);
        }
    }

    private sealed class PlainRmsProp : Plain
    {
        private double squares, average, move;

        public double Alpha { get; init; } = 0.99;
        public double Epsilon { get; init; } = 1e-8;
        public double Momentum { get; init; }
        public bool Centered { get; init; }

        public override double Next(double p, double g, int t)
        {
            g += Decay * p;
            squares = Alpha * squares + (1 - Alpha) * g * g;
            average = Alpha * average + (1 - Alpha) * g;
            move = Momentum * move + g / (Math.Sqrt(Centered ? squares - average * average : squares) + Epsilon);
            return p - Rate * move;
        }
    }

    private sealed class PlainAdaGrad : Plain
    {
        private double? sum;

        public double RateDecay { get; init; }
        public double InitialSum { get; init; }
        public double Epsilon { get; init; } = 1e-10;

        public override double Next(double p, double g, int t)
        {
            g += Decay * p;
            sum = (sum ?? InitialSum) + g * g;
            return p - Rate / (1 + (t - 1) * RateDecay) * g / (Math.Sqrt(sum.Value) + Epsilon);
        }
    }
}
