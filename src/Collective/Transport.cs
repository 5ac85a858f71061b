using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>What all transports have in common: each job has one generation at a time, and only a newer one takes its place.</summary>
public abstract class Transport : ITransport
{
    private readonly ConcurrentDictionary<JobId, IRounds> jobs = new();

    private protected Transport()
    {
    }

    public string? Open(RoundGroup group, IRoundObserver? observer = null)
    {
        if ((group.Fault() ?? Fault(group)) is { } fault)
            return fault;
        var rounds = Make(group, observer);
        while (true)
        {
            if (!jobs.TryGetValue(group.Job, out var present))
            {
                if (jobs.TryAdd(group.Job, rounds))
                    break;
            }
            else if (present.Group.Generation.Number >= group.Generation.Number)
            {
                return $"{group.Generation} of job {group.Job} is not newer than its present {present.Group.Generation}";
            }
            else if (jobs.TryUpdate(group.Job, rounds, present))
            {
                present.Break($"{present.Group.Generation} of job {group.Job} is over; {group.Generation} has begun");
                Closed(present);
                break;
            }
        }

        Opened(rounds);
        return null;
    }

    public void Prepare(RoundId round)
    {
        if (TryGet(round.Job, out var rounds) && rounds.Group.Generation == round.Generation)
            rounds.Prepare(round.Step);
    }

    public void Begin(RoundId round, int rank, int bucket, in Contribution contribution)
    {
        if (!TryGet(round.Job, out var rounds))
            contribution.Done.Fail($"{round} of job {round.Job}: no generation of the job has begun, or the job is over");
        else if (rounds.Group.Generation != round.Generation)
            contribution.Done.Fail($"{round} of job {round.Job} is refused: the present one is {rounds.Group.Generation}");
        else
            rounds.Begin(round.Step, rank, bucket, contribution);
    }

    public void Watch(JobId job, StepDeadline deadline)
    {
        if (TryGet(job, out var rounds))
            rounds.Watch(deadline);
    }

    public void Abort(JobId job, Generation generation, string reason)
    {
        if (TryGet(job, out var rounds) && rounds.Group.Generation == generation)
            rounds.Break(reason);
    }

    public long? LastCompleted(JobId job, Generation generation) =>
        TryGet(job, out var rounds) && rounds.Group.Generation == generation ? rounds.LastCompleted : null;

    public void Close(JobId job, string reason)
    {
        if (!jobs.TryRemove(job, out var rounds))
            return;
        rounds.Break(reason);
        Closed(rounds);
    }

    private protected bool TryGet(JobId job, [NotNullWhen(true)] out IRounds? rounds) => jobs.TryGetValue(job, out rounds);

    private protected IEnumerable<IRounds> All => jobs.Values;

    /// <summary>Null, or why these members cannot meet here.</summary>
    private protected abstract string? Fault(RoundGroup group);

    private protected abstract IRounds Make(RoundGroup group, IRoundObserver? observer);

    private protected virtual void Opened(IRounds rounds)
    {
    }

    private protected virtual void Closed(IRounds rounds)
    {
    }
}
