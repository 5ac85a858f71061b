namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// How far the workers of a job may run by themselves. Where the job is to rest, they are asked to admit nothing more, each says which
/// step it would admit next, and the furthest of these is the boundary that all go to: they are never more than a few steps apart.
/// </summary>
/// <param name="restingAt">The job rests when the generation begins; null: it runs.</param>
public sealed class Admission(int workers, long? restingAt = null)
{
    private enum Phase
    {
        Free,
        Asking,
        Bound,
        Resting,
    }

    private readonly long?[] answers = new long?[workers];
    private Phase phase = restingAt is null ? Phase.Free : Phase.Resting;
    private int question;
    private long boundary = restingAt ?? 0;
    private bool ends;

    /// <summary>Whether nobody is expected to do anything until <see cref="Resume"/>.</summary>
    public bool IsResting => phase == Phase.Resting;

    /// <summary>The job is to rest at the next step boundary that all can keep, or to end there.</summary>
    public IEnumerable<JobDecision> Rest(bool end)
    {
        ends |= end;
        switch (phase)
        {
            case Phase.Free:
                phase = Phase.Asking;
                Array.Clear(answers);
                return [new JobDecision.Hold(++question)];
            case Phase.Resting:
                return [Rested];
            default:
                return [];
        }
    }

    /// <summary>A worker holds; <paramref name="next"/> is the first step that it has not admitted.</summary>
    /// <param name="committed">Steps that have happened everywhere.</param>
    public IEnumerable<JobDecision> Answer(int number, int rank, long next, long committed)
    {
        if (phase != Phase.Asking || number != question)
            return [];
        answers[rank] = next;
        if (answers.Any(a => a is null))
            return [];
        (phase, boundary) = (Phase.Bound, answers.Max()!.Value);
        return [new JobDecision.Run(boundary), .. Reach(committed)];
    }

    /// <summary>So many steps have happened everywhere, with all that follows them.</summary>
    public IEnumerable<JobDecision> Reach(long committed)
    {
        if (phase != Phase.Bound || committed < boundary)
            return [];
        phase = Phase.Resting;
        return [Rested];
    }

    /// <summary>Whoever decides has decided that there are more steps.</summary>
    public IEnumerable<JobDecision> Extend(long limit) => phase == Phase.Free ? [new JobDecision.Run(limit)] : [];

    /// <summary>The job goes on, to <paramref name="limit"/>. One that is to end does not.</summary>
    public IEnumerable<JobDecision> Resume(long limit)
    {
        if (ends)
            return [];
        bool wasFree = phase == Phase.Free;
        phase = Phase.Free;
        return wasFree ? [new JobDecision.Resumed()] : [new JobDecision.Run(limit), new JobDecision.Resumed()];
    }

    private JobDecision Rested => ends ? new JobDecision.Stop(boundary) : new JobDecision.Paused(boundary);
}
