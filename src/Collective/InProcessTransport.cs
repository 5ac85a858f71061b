using System.Collections.Concurrent;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>For workers that share a process: rows are read and totals written where they lie.</summary>
public sealed class InProcessTransport(TimeProvider? time = null) : ITransport
{
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<JobId, RoundTable> tables = new();

    public string? Open(RoundGroup group, IRoundObserver? observer = null)
    {
        if (group.Fault() is { } fault)
            return fault;
        if (group.Members.Select(m => m.Peer).Distinct().Count() > 1)
            return $"the members of job {group.Job} live in several processes, and this one has no data plane";
        var table = new RoundTable(group, observer, time);
        while (true)
        {
            if (!tables.TryGetValue(group.Job, out var present))
            {
                if (tables.TryAdd(group.Job, table))
                    return null;
            }
            else if (present.Group.Generation.Number >= group.Generation.Number)
            {
                return $"{group.Generation} of job {group.Job} is not newer than its present {present.Group.Generation}";
            }
            else if (tables.TryUpdate(group.Job, table, present))
            {
                present.Break($"{present.Group.Generation} of job {group.Job} is over; {group.Generation} has begun");
                return null;
            }
        }
    }

    public void Prepare(RoundId round)
    {
        if (tables.TryGetValue(round.Job, out var table) && table.Group.Generation == round.Generation)
            table.Prepare(round.Step);
    }

    public void Begin(RoundId round, int rank, int bucket, in Contribution contribution)
    {
        if (!tables.TryGetValue(round.Job, out var table))
            contribution.Done.Fail($"{round} of job {round.Job}: no generation of the job has begun, or the job is over");
        else if (table.Group.Generation != round.Generation)
            contribution.Done.Fail($"{round} of job {round.Job} is refused: the present one is {table.Group.Generation}");
        else
            table.Begin(round.Step, rank, bucket, contribution);
    }

    public void Watch(JobId job, StepDeadline deadline)
    {
        if (tables.TryGetValue(job, out var table))
            table.Watch(deadline);
    }

    public void Abort(JobId job, Generation generation, string reason)
    {
        if (tables.TryGetValue(job, out var table) && table.Group.Generation == generation)
            table.Break(reason);
    }

    public long? LastCompleted(JobId job, Generation generation) =>
        tables.TryGetValue(job, out var table) && table.Group.Generation == generation ? table.LastCompleted : null;

    public void Close(JobId job, string reason)
    {
        if (tables.TryRemove(job, out var table))
            table.Break(reason);
    }
}
