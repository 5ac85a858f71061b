using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Observing.Profiling;

/// <summary>One device's part of a profile. Written by the device's thread alone, without allocating once it is full.</summary>
public sealed class DeviceTrack(string device, int kept) : IExecutionObserver
{
    private readonly List<PlanTotals> plans = [];
    private Execution[] ring = new Execution[Math.Min(kept, 1024)];
    private long seen;
    private PlanTotals? current;

    public string Device => device;

    /// <summary>Executions seen, those no longer kept included.</summary>
    public long Seen => seen;

    /// <summary>What this device ran, a plan each, in the order of their first operations.</summary>
    public IReadOnlyList<PlanTotals> Plans => plans;

    public IEnumerable<Execution> Kept()
    {
        for (long i = Math.Max(0, seen - ring.Length); i < seen; i++)
            yield return ring[i % ring.Length];
    }

    public void Saw(in Execution execution)
    {
        if (seen == ring.Length && ring.Length < kept)
            Array.Resize(ref ring, Math.Min(kept, 2 * ring.Length));
        ring[seen++ % ring.Length] = execution;
        if (execution.Plan is { } plan && !ReferenceEquals(plan, current?.Plan))
            current = Find(plan);
        current?.Add(execution);
    }

    private PlanTotals Find(Plan plan)
    {
        if (plans.Find(p => ReferenceEquals(p.Plan, plan)) is { } known)
            return known;
        var totals = new PlanTotals(plan);
        plans.Add(totals);
        return totals;
    }
}
