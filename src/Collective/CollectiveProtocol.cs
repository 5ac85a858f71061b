using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Devices;

namespace Singa.Actors.Collective;

/// <summary>
/// The conversation with the <see cref="CollectiveActor"/>: begin a generation, hear how its rounds end, end it. Members exchange
/// through a <see cref="WorkerExchange"/> and need no message for a step.
/// </summary>
public static class CollectiveProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    public interface IQuery : INoSerializationVerificationNeeded;

    /// <summary>
    /// The members of <c>Group</c> meet from step <c>FirstStep</c> on; the job's older generation is over. The outcome of every round
    /// goes to <c>Observer</c> as <see cref="RoundCompleted"/> or <see cref="RoundFailed"/>.
    /// </summary>
    public sealed record BeginGeneration(RoundGroup Group, long FirstStep, IActorRef? Observer = null) : ICommand;

    public sealed record GenerationBegun(JobId Job, Generation Generation) : IEvent;

    public sealed record GenerationRejected(JobId Job, Generation Generation, string Reason) : IEvent;

    /// <summary>Every member has the total of every bucket.</summary>
    public sealed record RoundCompleted(RoundId Round) : IEvent;

    /// <summary>No member goes on. <c>Missing</c>: ranks that had not arrived. The generation carries no further round.</summary>
    public sealed record RoundFailed(RoundId Round, string Reason, ImmutableArray<int> Missing) : IEvent;

    /// <summary>Fails the open rounds of a generation and all later ones of it.</summary>
    public sealed record AbortRounds(JobId Job, Generation Generation, string Reason) : ICommand;

    /// <summary>The job is over.</summary>
    public sealed record EndGeneration(JobId Job, string Reason) : ICommand;

    public sealed record GenerationEnded(JobId Job) : IEvent;

    public sealed record GetRounds(JobId Job) : IQuery;

    /// <summary><c>Opened</c>: the furthest step whose round is open; <c>Completed</c>: the last that completed. Null: none yet.</summary>
    public sealed record RoundsStatus(JobId Job, Generation? Generation, long? Opened, long? Completed) : IEvent;
}
