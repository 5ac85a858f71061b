using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Collective;

/// <summary>
/// What a worker binds when its plan is loaded: takes the plan's buckets to the rounds of the worker's generation. The same exchange
/// serves one generation after the other.
/// </summary>
public sealed class WorkerExchange(ITransport transport) : IExchange
{
    private volatile Seat? seat;

    /// <summary>From now on the worker takes part as <paramref name="rank"/>; whoever still waits in an older generation is failed by the transport.</summary>
    /// <param name="layoutOf">How the batch of a step falls on the worker's shards; called on the executor's thread for every bucket.</param>
    /// <param name="further">By bucket: rows that it brings in the group's uneven step beside those of its device; they live as long as the generation.</param>
    public void Join(RoundGroup group, int rank, Func<long, BatchLayout> layoutOf, ImmutableArray<ImmutableArray<SubtreeRow>>? further = null) =>
        seat = new Seat(group, rank, layoutOf, further, [.. Enumerable.Range(0, group.Buckets).Select(_ => new RowMark())]);

    /// <summary>What has become of a bucket's rows in a step. Only while nothing of it is in flight.</summary>
    public RowState StateOf(int bucket, long step) => seat is { } at ? at.Marks[bucket][step] : RowState.Brought;

    public void Begin(int bucket, long tag, LoadedPlan plan, Operand rows, IExchangeCompletion done)
    {
        if (seat is not { } at)
        {
            done.Fail("the worker has joined no generation");
            return;
        }

        at.Marks[bucket].Begin(tag);
        var contribution = new Contribution(plan.HostRows(rows), at.LayoutOf(tag).Rows, done) { Further = at.FurtherOf(bucket, tag), Mark = at.Marks[bucket] };
        transport.Begin(new RoundId(at.Group.Job, at.Group.Generation, tag), at.Rank, bucket, contribution);
    }

    public void Abort(string reason)
    {
        if (seat is { } at)
            transport.Abort(at.Group.Job, at.Group.Generation, $"{at.Group.Members[at.Rank]} left {at.Group.Generation}: {reason}");
    }

    private sealed record Seat(RoundGroup Group, int Rank, Func<long, BatchLayout> LayoutOf, ImmutableArray<ImmutableArray<SubtreeRow>>? Further, RowMark[] Marks)
    {
        public ImmutableArray<SubtreeRow> FurtherOf(int bucket, long step) => Further is { } rows && Group.Uneven?.Step == step ? rows[bucket] : default;
    }
}
