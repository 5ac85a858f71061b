using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Workers;

/// <summary>Between a job's seat on a node and its workers there, when a generation ends: they come to rest, and one of them gives up its replica.</summary>
internal static class NodeJobProtocol
{
    public interface IMessage : INoSerializationVerificationNeeded;

    /// <summary>Rounds of the generation are broken; the last that completed here is <c>LastCompleted</c>. What follows it will not happen in this generation.</summary>
    public sealed record InterruptWorker(long? LastCompleted) : IMessage;

    /// <summary>Nothing of the job is queued on the device; step <c>Next</c> has not happened there.</summary>
    public sealed record WorkerRested(Generation Generation, int Rank, long Next) : IMessage;

    /// <summary>To a worker at rest.</summary>
    public sealed record TakeState : IMessage
    {
        public static readonly TakeState Instance = new();
    }

    /// <summary><c>Tests</c>: the figures of tests that are complete.</summary>
    public sealed record StateTaken(Generation Generation, int Rank, JobState State, ImmutableArray<TestRecord> Tests) : IMessage;
}
