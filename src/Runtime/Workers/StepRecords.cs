using System.Collections.Immutable;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What happened in steps of which the job's host may not have heard yet: whoever conducts the job later tells it from here. One report
/// a step will do, because every worker's is the same.
/// </summary>
internal sealed class StepRecords
{
    private readonly SortedDictionary<long, StepCompleted> records = [];

    public ImmutableArray<StepCompleted> All => [.. records.Values];

    public void Add(StepCompleted record) => records.TryAdd(record.Step, record);

    /// <summary>The host has kept so many steps.</summary>
    public void Forget(long steps)
    {
        while (records.Count > 0 && records.First().Key is var first && first < steps)
            records.Remove(first);
    }
}
