using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Training;

public enum VariableKind
{
    /// <summary>Trained; its first value comes from its initialiser.</summary>
    Parameter,

    /// <summary>Running statistics of the model: saved with it, not trained.</summary>
    Statistic,

    /// <summary>The optimizer's memory of a parameter.</summary>
    OptimizerState,
}

/// <summary>A named value that outlives a step, and the block that holds it.</summary>
public sealed record Variable(string Name, VariableKind Kind, TensorType Type, int Block)
{
    /// <summary>What it begins with where that is not computed: whoever runs the plan puts it there. Null: <c>initialise</c> does.</summary>
    public ReadOnlyMemory<byte>? Given { get; init; }
}

/// <summary>Values that travel together: <c>Elements</c> a row, one row per local subtree.</summary>
public sealed record BucketLayout(int Block, DType DType, long Elements);

/// <summary>Consecutive shards that see <c>Samples</c> samples each.</summary>
public sealed record ShardRun(ShardRange Shards, int Samples);

/// <summary>How a batch of <c>Samples</c> samples falls on the local shards; <c>Rows[i]</c> is the subtree whose sum row i of each bucket holds.</summary>
public sealed record BatchLayout(int Samples, ImmutableArray<ShardRun> Runs, ImmutableArray<ShardRange> Rows)
{
    /// <summary>
    /// Batches are cut into V slices as even as can be: the first (samples mod V) shards see one sample more. Shards that
    /// see none add nothing and have no row.
    /// </summary>
    public static BatchLayout Of(int batch, int shards, ShardRange local) => Of(batch, shards, [local]);

    /// <inheritdoc cref="Of(int, int, ShardRange)"/>
    /// <param name="local">Ranges in order, which do not overlap.</param>
    public static BatchLayout Of(int batch, int shards, ImmutableArray<ShardRange> local)
    {
        var runs = ImmutableArray.CreateBuilder<ShardRun>();
        int longer = batch % shards, samples = batch / shards;
        foreach (var part in local)
        {
            Add(new ShardRange(part.First, Math.Max(0, Math.Min(longer, part.End) - part.First)), samples + 1);
            Add(new ShardRange(Math.Max(longer, part.First), part.End - Math.Max(longer, part.First)), samples);
        }

        return new BatchLayout(batch, runs.ToImmutable(), [.. runs.SelectMany(r => ShardTree.Cover(shards, r.Shards))]);

        void Add(ShardRange range, int each)
        {
            if (range.Count > 0 && each > 0)
                runs.Add(new ShardRun(range, each));
        }
    }

    /// <summary>Position in the batch of the first sample of a shard.</summary>
    public static int FirstSample(int batch, int shards, int shard) => shard * (batch / shards) + Math.Min(shard, batch % shards);

    public int LocalSamples => Runs.Sum(r => r.Shards.Count * r.Samples);

    public bool Equals(BatchLayout? other) => other is not null && Samples == other.Samples && Runs.SequenceEqual(other.Runs);

    public override int GetHashCode() => HashCode.Combine(Samples, Runs.Length);
}

/// <summary>
/// Everything a worker does with its replica, compiled. Sections and their host slots:
/// <list type="bullet">
/// <item><c>initialise</c>: first values of all variables but those that are <see cref="Variable.Given"/>.</item>
/// <item><c>gradients/N</c> (layout N): 0 samples in (float32), 1 labels in, 2 step number in (int32 scalar). Writes bucket rows.</item>
/// <item><c>exchange/N</c>: one <see cref="ExchangeKernel"/> a bucket.</item>
/// <item><c>update</c>: 0 scale in (float32 scalar, 1 / samples in the batch), 1 metrics out: float32 loss sum, correct count.</item>
/// <item><c>evaluate/M</c> (M samples): 0 samples in, 1 labels in, 2 metrics out as above, and the count of <c>TopK</c> where the job has one.</item>
/// <item><c>predict/M</c>: 0 samples in, 1 model output out.</item>
/// </list>
/// The last bucket holds the metrics.
/// </summary>
public sealed record TrainingPlan(
    Plan Plan, ImmutableArray<Variable> Variables, ImmutableArray<BucketLayout> Buckets, ImmutableArray<BatchLayout> Layouts)
{
    /// <summary>How many local shards are computed at once.</summary>
    public int ShardsAtOnce { get; init; } = 1;
}
