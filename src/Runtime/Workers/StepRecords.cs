using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Coordination;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What happened in steps of which the job's host may not have heard yet: whoever conducts the job later tells it from here. One report
/// a step will do, because every worker's is the same.
/// </summary>
internal sealed class StepRecords
{
    private readonly SortedDictionary<long, StepCompleted> records = [];
    private readonly Dictionary<Generation, Membership> memberships = [];

    public ImmutableArray<StepCompleted> All => [.. records.Values];

    /// <summary>Of the generations in which these steps happened.</summary>
    public ImmutableArray<Membership> Memberships => [.. records.Values.Select(r => r.Generation).Distinct().Where(memberships.ContainsKey).Select(g => memberships[g])];

    public void Add(StepCompleted record) => records.TryAdd(record.Step, record);

    /// <summary>What others know: this node may have come later, and be the only one left before the host has heard of it.</summary>
    public void Learn(PastSteps past)
    {
        foreach (var record in past.Records)
            Add(record);
        foreach (var membership in past.Memberships)
            memberships.TryAdd(membership.Generation, membership);
    }

    /// <summary>A generation in which steps may happen.</summary>
    public void Know(Membership membership)
    {
        foreach (var past in memberships.Keys.Except(records.Values.Select(r => r.Generation)).ToArray())
            memberships.Remove(past);
        memberships[membership.Generation] = membership;
    }

    /// <summary>The host has kept so many steps.</summary>
    public void Forget(long steps)
    {
        while (records.Count > 0 && records.First().Key is var first && first < steps)
            records.Remove(first);
    }
}
