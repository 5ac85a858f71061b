using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Runtime.Workers;

/// <summary>The rows that a step's gradients have left on a device, read while nothing of the job is queued there.</summary>
internal static class StepRows
{
    /// <param name="further">What the worker was to bring beside them.</param>
    /// <returns>Null: the device holds no data.</returns>
    public static unsafe BroughtSums? Read(
        LoadedPlan loaded, TrainingPlan plan, BatchLayout layout, WorkerExchange exchange, int rank, long step, ImmutableArray<SumRow> further)
    {
        var buckets = plan.Buckets.Select(b => loaded.HostRows(
            Operand.Contiguous(b.Block, new TensorType(b.DType, Shape.Of(layout.Rows.Length, b.Elements))))).ToArray();
        if (buckets.Any(b => b.Address == 0))
            return null;
        var rows = layout.Rows.Select((shards, i) => new SumRow(
            shards, [.. buckets.Select(b => SumRow.Pinned(new ReadOnlySpan<byte>((byte*)b.Address + i * b.RowBytes, checked((int)b.RowBytes))))]));
        return new BroughtSums(
            rank, layout.Runs.Sum(r => r.Shards.Count), [.. rows, .. further], [.. buckets.Select(b => b.DType)],
            [.. Enumerable.Range(0, buckets.Length).Select(b => exchange.StateOf(b, step))]);
    }
}
