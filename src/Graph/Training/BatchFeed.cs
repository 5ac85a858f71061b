using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>The blocks that the host fills, and the windows on them that graphs read. One block of samples serves all sections.</summary>
internal sealed class BatchFeed(PlanBuilder plan, TrainingDefinition job, int samplesMax)
{
    private readonly Operand samples = plan.Declare("all samples", BlockKind.Input, new TensorType(job.Sample.DType, job.Sample.Shape.Prepend(samplesMax)));
    private readonly Operand labels = plan.Declare("all labels", BlockKind.Input, new TensorType(job.Label.DType, job.Label.Shape.Prepend(samplesMax)));

    /// <summary>Number of the step, Int32 scalar.</summary>
    public Operand Step { get; } = plan.Declare("step", BlockKind.Input, new TensorType(DType.Int32, Shape.Scalar));

    /// <summary>1 / samples in the batch, Float32 scalar.</summary>
    public Operand Scale { get; } = plan.Declare("scale", BlockKind.Input, new TensorType(DType.Float32, Shape.Scalar));

    public Kernel UploadSamples(int count) => new UploadKernel(0, Part(samples, job.Sample.Shape.Prepend(count), 0));

    public Kernel UploadLabels(int count) => new UploadKernel(1, Part(labels, job.Label.Shape.Prepend(count), 0));

    /// <summary>[shards, samples of each, …] beginning with local sample <paramref name="first"/>.</summary>
    public Tensor Samples(int first, int shards, int each) => Window("samples", samples, job.Sample, first, shards, each);

    public Tensor Labels(int first, int shards, int each) => Window("labels", labels, job.Label, first, shards, each);

    /// <summary>Lets a traced graph of that many samples read the block's beginning.</summary>
    public void Bind(int count)
    {
        plan.View("samples", Part(samples, job.Sample.Shape.Prepend(count), 0));
        plan.View("labels", Part(labels, job.Label.Shape.Prepend(count), 0));
    }

    private Tensor Window(string what, Operand block, TensorType one, int first, int shards, int each)
    {
        var type = new TensorType(one.DType, one.Shape.Prepend(each).Prepend(shards));
        string name = $"{what} {first}+{shards}×{each}";
        plan.View(name, Part(block, type.Shape, first * one.Shape.Count));
        return Placeholder.Create(name, type, BlockKind.Input);
    }

    private static Operand Part(Operand block, Shape shape, long offset) =>
        Operand.Contiguous(block.Block, new TensorType(block.DType, shape), offset);
}
