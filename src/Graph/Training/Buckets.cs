using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>Which gradients travel together and where each lies: filled from the last parameter to the first, as backward goes; metrics in a bucket of their own.</summary>
internal sealed class Buckets
{
    // Gradients start at cache lines.
    private const long AlignmentElements = 16;

    private readonly List<Operand> blocks = [];
    private readonly (int Bucket, long Offset)[] places;
    private readonly ImmutableArray<ParameterSpec> parameters;

    public Buckets(PlanBuilder plan, ImmutableArray<ParameterSpec> parameters, long bytesMax, int rows)
    {
        this.parameters = parameters;
        places = new (int, long)[parameters.Length];
        var sizes = new List<long>();
        for (int i = parameters.Length - 1; i >= 0; i--)
        {
            if (sizes.Count == 0 || sizes[^1] * sizeof(float) >= bytesMax)
                sizes.Add(0);
            places[i] = (sizes.Count - 1, sizes[^1]);
            sizes[^1] += (parameters[i].Type.Shape.Count + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
        }

        sizes.Add(2);
        foreach (long size in sizes)
            blocks.Add(plan.Declare($"bucket {blocks.Count}", BlockKind.Bucket, new TensorType(DType.Float32, Shape.Of(Math.Max(1, rows), size))));
    }

    public ImmutableArray<BucketLayout> Layouts => [.. blocks.Select(b => new BucketLayout(b.Block, b.DType, b.Shape[1]))];

    public Operand Gradient(int parameter, int row)
    {
        var (bucket, offset) = places[parameter];
        return Operand.Contiguous(blocks[bucket].Block, parameters[parameter].Type, row * blocks[bucket].Shape[1] + offset);
    }

    public Operand LossSum(int row) => Operands.Row(Metrics(row), 0);

    public Operand CorrectSum(int row) => Operands.Row(Metrics(row), 1);

    /// <summary>[2]: sum of losses, number of right answers.</summary>
    public Operand Metrics(int row) => Operands.Row(blocks[^1], row);

    public IEnumerable<Kernel> Exchanges(int rows) => blocks.Select((b, i) => new ExchangeKernel(i,
        Operand.Contiguous(b.Block, new TensorType(b.DType, Shape.Of(rows, b.Shape[1])))));
}
