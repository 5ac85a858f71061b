using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>Hears of rounds as they happen, on whichever thread they do; must return at once.</summary>
public interface IRoundObserver
{
    /// <summary>The first member has arrived.</summary>
    void Started(RoundId round);

    void Ended(RoundOutcome outcome);
}

/// <summary>
/// Brings the rows of a bucket together and the total back. It knows subtrees and bytes, and nothing of what they mean.
/// In process, shared memory, TCP, NCCL, MPI: each is one of these. Any thread may call any member; none blocks.
/// </summary>
public interface ITransport
{
    /// <summary>From now on the group meets; an older generation of its job is over and its members in rounds are told so.</summary>
    /// <returns>Null, or why not: the generation is no newer than the present one, or the group is none.</returns>
    string? Open(RoundGroup group, IRoundObserver? observer = null);

    /// <summary>Makes a round ready before anybody arrives. Not needed for it to work: whoever arrives first would do it.</summary>
    void Prepare(RoundId round);

    /// <summary>
    /// A member brings a bucket; <c>Done</c> is signalled when all buckets of the round are totals everywhere, or none counts. Until then the round
    /// reads and writes the rows where they lie, whatever becomes of whoever brought them: their memory has to stay.
    /// </summary>
    void Begin(RoundId round, int rank, int bucket, in Contribution contribution);

    /// <summary>Fails the rounds in which the first member has waited longer than <paramref name="deadline"/> allows.</summary>
    void Watch(JobId job, StepDeadline deadline);

    /// <summary>
    /// Fails the open rounds of the generation and every later one: somebody is out of step, and only a new generation makes that good.
    /// Nothing happens where the generation is not the present one.
    /// </summary>
    void Abort(JobId job, Generation generation, string reason);

    /// <summary>
    /// The last step of the generation whose round completed for the members in this process; null where none has. After
    /// <see cref="Abort"/> no other will.
    /// </summary>
    long? LastCompleted(JobId job, Generation generation);

    /// <summary>The job is over.</summary>
    void Close(JobId job, string reason);
}
