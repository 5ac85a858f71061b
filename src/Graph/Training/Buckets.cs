using System.Collections.Immutable;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

/// <summary>
/// Which values travel together and where each lies: gradients from the last parameter to the first, as backward goes; the metrics and
/// what shards observed of running statistics in a bucket of their own.
/// </summary>
internal sealed class Buckets
{
    // Each value starts at a cache line.
    private const long Alignment = 64;
    private const long MetricsElements = 2;

    // No parameter's path begins with a blank.
    public const string LossSum = " loss", CorrectSum = " correct";

    private readonly List<Operand> blocks = [];
    private readonly Dictionary<string, (int Bucket, long Offset, TensorType Type)> places = [];

    /// <param name="type">Of gradients; metrics and statistics are Float32.</param>
    public Buckets(PlanBuilder plan, ImmutableArray<ParameterSpec> parameters, ImmutableArray<StatisticSpec> statistics, DType type, long bytesMax, int rows)
    {
        var sizes = new List<long>();
        foreach (var p in parameters.Reverse())
        {
            if (sizes.Count == 0 || sizes[^1] * type.Size() >= bytesMax)
                sizes.Add(0);
            Add(p.Name, p.Type with { DType = type });
        }

        sizes.Add(statistics.IsEmpty ? MetricsElements : Align(MetricsElements, DType.Float32));
        foreach (var s in statistics)
            Add(s.Name, s.Type);
        for (int i = 0; i < sizes.Count; i++)
            blocks.Add(plan.Declare($"bucket {i}", BlockKind.Bucket, new TensorType(i < sizes.Count - 1 ? type : DType.Float32, Shape.Of(Math.Max(1, rows), sizes[i]))));

        void Add(string name, TensorType value)
        {
            places[name] = (sizes.Count - 1, sizes[^1], value);
            sizes[^1] += Align(value.Shape.Count, value.DType);
        }
    }

    private static long Align(long elements, DType type) => (elements * type.Size() + Alignment - 1) / Alignment * Alignment / type.Size();

    public ImmutableArray<BucketLayout> Layouts => [.. blocks.Select(b => new BucketLayout(b.Block, b.DType, b.Shape[1]))];

    /// <summary>Where the value that belongs to a parameter, a statistic or a metric lies in a row.</summary>
    public Operand Value(string name, int row)
    {
        if (name is LossSum or CorrectSum)
            return Operands.Row(Metrics(row), name == LossSum ? 0 : 1);
        var (bucket, offset, type) = places[name];
        return Operand.Contiguous(blocks[bucket].Block, type, row * blocks[bucket].Shape[1] + offset);
    }

    /// <summary>[2]: sum of losses, number of right answers.</summary>
    public Operand Metrics(int row) =>
        Operand.Contiguous(blocks[^1].Block, new TensorType(DType.Float32, Shape.Of(MetricsElements)), row * blocks[^1].Shape[1]);

    public IEnumerable<Kernel> Exchanges(int rows) => blocks.Select((b, i) => new ExchangeKernel(i,
        Operand.Contiguous(b.Block, new TensorType(b.DType, Shape.Of(rows, b.Shape[1])))));
}
