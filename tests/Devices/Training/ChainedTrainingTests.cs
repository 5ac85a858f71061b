using Singa.Actors.Devices.Cpu;
using Singa.Actors.Devices.Tests.Cpu;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Devices.Tests.Training;

/// <summary>A transformer's softmaxes and norms are chains, forward and back, and it learns the same bits as without.</summary>
public sealed class ChainedTrainingTests
{
    private const int Vocabulary = 11, Time = 70, Batch = 8;

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, false)]
    [InlineData(1, true)]
    [InlineData(4, true)]
    public void Bits_are_those_of_the_links_one_by_one(int shards, bool half)
    {
        var plan = Compile(shards, half, dropout: 0.1);
        string expected = Train(plan with { Plan = Parted.Of(plan.Plan) }, shards, 1);
        Assert.Equal(expected, Train(plan, shards, 1));
        Assert.Equal(expected, Train(plan, shards, 2));
    }

    [Fact]
    public void Each_norm_and_each_softmax_is_one_operation_each_way()
    {
        var operations = Compile(1, false, dropout: 0).Plan["gradients/0"].Operations;
        foreach (string norm in new[] { "block0.norm1", "block0.norm2", "block1.norm1", "block1.norm2", "norm" })
        {
            Assert.Equal(5, Links($"{norm} Sum→").First());
            Assert.Equal(3, Assert.Single(Links($"{norm}' Sum→")));
        }

        Assert.Equal([4, 4], Links("block0.attention Maximum→"));
        Assert.DoesNotContain(operations, o => o.Kernel is ReduceKernel { Reduction: Reduction.Maximum });

        IEnumerable<int> Links(string name) => operations.Where(o => o.Name.StartsWith(name, StringComparison.Ordinal)).Select(o => ((ChainKernel)o.Kernel).Links.Length);
    }

    private static TrainingPlan Compile(int shards, bool half, double dropout)
    {
        var settings = new ModelSettings([new("layers", "2"), new("width", "32"), new("heads", "2"), new("dropout", FormattableString.Invariant($"{dropout}"))]);
        var tokens = new TensorType(DType.Int32, Shape.Of(Time));
        var job = new TrainingDefinition(ModelCatalog.Create("gpt-mini", tokens.Shape, Vocabulary, settings), new SoftmaxCrossEntropy(),
            new AdamW { LearningRate = 0.01, ClipNorm = 1 }, tokens, tokens, Vocabulary, shards, 1, 20) { IsHalfStored = half };
        return TrainingRun.Compile(job, Batch);
    }

    private static string Train(TrainingPlan plan, int shards, int threads)
    {
        using var run = new TrainingRun(plan, shards, new CpuBackend(0, new CpuOptions { Threads = threads, WorkPerPart = 2000 }));
        int[] text = [.. Enumerable.Range(0, Batch * Time).Select(i => i * i % Vocabulary)];
        run.Train(3, text, text);
        return run.Digest();
    }
}
