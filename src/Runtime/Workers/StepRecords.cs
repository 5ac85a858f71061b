using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What happened in steps of which the job's host may not have heard yet: whoever conducts the job later tells it from here. One report
/// a step will do, because every worker's is the same.
/// </summary>
internal sealed class StepRecords
{
    private readonly SortedDictionary<long, WorkerProtocol.StepCompleted> records = [];
    private readonly SortedDictionary<long, TestRecord> tests = [];
    private readonly List<Membership> memberships = [];

    public PastSteps Past => new([.. records.Values], [.. tests.Values], [.. memberships.Where(m => records.Values.Any(r => r.Generation == m.Generation))]);

    public void Add(WorkerProtocol.StepCompleted record) => records.TryAdd(record.Step, record);

    public void Add(IEnumerable<TestRecord> known)
    {
        foreach (var test in known)
            tests.TryAdd(test.Step, test);
    }

    /// <summary>A generation in which steps may happen.</summary>
    public void Know(Membership membership)
    {
        memberships.RemoveAll(m => m.Generation == membership.Generation || !records.Values.Any(r => r.Generation == m.Generation));
        memberships.Add(membership);
    }

    /// <summary>What others know: this node may have come later, and be the only one left before the host has heard of it.</summary>
    public void Learn(PastSteps past)
    {
        foreach (var record in past.Records)
            Add(record);
        Add(past.Tests);
        memberships.AddRange(past.Memberships.ExceptBy(memberships.Select(m => m.Generation), m => m.Generation));
    }

    /// <summary>The host has kept so many steps. The last test before stays: early stopping goes on from there, and it may be the job's last.</summary>
    public void Forget(long steps)
    {
        while (records.Count > 0 && records.First().Key is var first && first < steps)
            records.Remove(first);
        foreach (long step in tests.Keys.TakeWhile(t => t < steps).SkipLast(1).ToArray())
            tests.Remove(step);
    }
}
