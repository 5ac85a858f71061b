using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests;

/// <summary>Three clouds of points in the plane, and a network small enough to learn them in a moment.</summary>
internal static class TinyJob
{
    public const int Train = 100;
    public const int Test = 70;
    private const int Classes = 3;

    public static TrainingJob Create() => new()
    {
        Name = "clouds",
        Model = new Sequential(new Linear(8), new Activation("Relu"), new Linear(Classes)),
        Data = Clouds(),
        Loss = new SoftmaxCrossEntropy(),
        Optimizer = new Sgd { LearningRate = 0.1, Momentum = 0.9 },
        BatchSize = 32,
        Epochs = 3,
        Seed = 7,
    };

    public static InMemoryData Clouds()
    {
        var (trainInputs, trainLabels) = Draw(Train, 1);
        var (testInputs, testLabels) = Draw(Test, 2);
        return new InMemoryData
        {
            Sample = Shape.Of(2),
            Classes = Classes,
            TrainInputs = trainInputs,
            TrainLabels = trainLabels,
            TestInputs = testInputs,
            TestLabels = testLabels,
        };
    }

    public static (float[] Inputs, int[] Labels) Draw(int count, int seed)
    {
        var random = new Random(seed);
        var (inputs, labels) = (new float[2 * count], new int[count]);
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % Classes;
            double angle = 2 * Math.PI * labels[i] / Classes;
            inputs[2 * i] = (float)(Math.Cos(angle) + 0.2 * (random.NextDouble() - 0.5));
            inputs[2 * i + 1] = (float)(Math.Sin(angle) + 0.2 * (random.NextDouble() - 0.5));
        }

        return (inputs, labels);
    }
}
