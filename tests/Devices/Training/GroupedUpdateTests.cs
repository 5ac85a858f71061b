using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Devices.Tests.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Random;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>A bucket's parameters are updated in one launch, and get the bits that launches of their own would give them.</summary>
public sealed class GroupedUpdateTests
{
    private const int Batch = 8, Classes = 5;

    private static readonly Module Model = new Sequential(
        new Conv2d(16, 3) { Padding = 1 }, new BatchNorm(), new Activation("Relu"), new MaxPool2d(2), new Flatten(), new Linear(40), new Activation("Relu"), new Linear(Classes));

    private static readonly Dictionary<string, Optimizer> Optimizers = new()
    {
        ["sgd"] = new Sgd { LearningRate = 0.05, Momentum = 0.9, WeightDecay = 0.01 },
        ["adamw"] = new AdamW { LearningRate = 0.01, WeightDecay = 0.1, NoDecay = ["*.bias"] },
        ["adamw, clipped"] = new AdamW { LearningRate = 0.01, ClipNorm = 0.5, ClipValue = 0.1 },
        ["rmsprop"] = new RmsProp { LearningRate = 0.01, ClipValue = 0.1 },
    };

    public static TheoryData<string, int, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, bool>();
            foreach (string name in Optimizers.Keys)
            {
                cases.Add(name, 1, false);
                cases.Add(name, 3, true);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bits_are_those_of_launches_of_their_own(string optimizer, int shards, bool half)
    {
        var plan = Compile(optimizer, shards, half);
        Assert.Contains(plan.Plan["update"].Operations, o => o.Kernel is GroupKernel);
        var apart = plan with { Plan = Parted.Of(plan.Plan) };
        string expected = Train(apart, shards, new ReferenceBackend());
        foreach (var width in VectorWidths.Available)
        {
            Assert.Equal(expected, Train(apart, shards, new CpuBackend(0, new CpuOptions { Threads = 1, Width = width })));
            Assert.Equal(expected, Train(plan, shards, new CpuBackend(0, new CpuOptions { Threads = 1, Width = width })));
            Assert.Equal(expected, Train(plan, shards, new CpuBackend(0, new CpuOptions { Threads = 3, Width = width, WorkPerPart = 100 })));
        }
    }

    private static TrainingPlan Compile(string optimizer, int shards, bool half)
    {
        var job = new TrainingDefinition(Model, new SoftmaxCrossEntropy(), Optimizers[optimizer], new TensorType(DType.Float32, Shape.Of(3, 8, 8)),
            new TensorType(DType.Int32, Shape.Scalar), Classes, shards, 1, 20) { IsHalfStored = half, BucketBytes = 2048 };
        return TrainingRun.Compile(job, Batch);
    }

    private static string Train(TrainingPlan plan, int shards, IBackend backend)
    {
        using var run = new TrainingRun(plan, shards, backend);
        float[] samples = [.. Enumerable.Range(0, Batch * 3 * 8 * 8).Select(i => Philox.ToUnitFloat(Philox.Block(3, (ulong)i, 0).W0) - 0.5f)];
        run.Train(3, samples, Enumerable.Range(0, Batch).Select(i => i % Classes).ToArray());
        return run.Digest();
    }
}
