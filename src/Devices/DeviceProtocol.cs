using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>A section to run, by its number in the plan, and the host's memory for its slots: <c>HostBuffers[i].Length</c> is <c>Section.HostSlots[i]</c>.</summary>
public sealed record SectionRun(int Section, ImmutableArray<Memory<byte>> HostBuffers);

/// <summary>
/// The conversation with a device actor: load a plan, run sections of it as often as wanted, unload it. All messages stay
/// within the process. Host buffers belong to the device from <see cref="RunSections"/> to its answer.
/// </summary>
public static class DeviceProtocol
{
    public interface ICommand : INoSerializationVerificationNeeded;

    public interface IEvent : INoSerializationVerificationNeeded;

    public interface IQuery : INoSerializationVerificationNeeded;

    /// <summary>Allocates, uploads constants and compiles. Blocks in <c>External</c> live in memory that somebody else allocated and frees.</summary>
    public sealed record LoadPlan(JobId Job, Plan Plan, IExchange Exchange, IReadOnlyDictionary<int, DeviceMemory>? External = null) : ICommand;

    /// <summary><c>Plan</c> reads and writes blocks while nothing of the job is queued.</summary>
    public sealed record PlanLoaded(JobId Job, LoadedPlan Plan) : IEvent;

    public sealed record PlanRejected(JobId Job, string Reason) : IEvent;

    /// <summary>
    /// Admits sections, in an order that is correct one after the other, behind what the job has queued already. Of ready operations
    /// those of higher <c>Priority</c> run first, then those admitted first. Answered from the executor, once.
    /// </summary>
    public sealed record RunSections(JobId Job, long Tag, ImmutableArray<SectionRun> Sections, int Priority = 0) : ICommand;

    /// <summary>
    /// <c>Busy</c>: time the device spent on these sections, waiting for peers not counted. <c>CompletedAt</c>: when the last of it
    /// ended, in ticks of <see cref="System.Diagnostics.Stopwatch"/>, which the hearing of this message does not delay.
    /// </summary>
    public sealed record SectionsCompleted(JobId Job, long Tag, TimeSpan Busy, long CompletedAt = 0) : IEvent;

    /// <summary>
    /// Nothing that follows in the job ran: what was queued behind fails as well, and so does everything new until
    /// <see cref="CancelWork"/> has been answered, because it would have computed on half a step. <c>ByPeers</c>: an exchange failed, and
    /// nothing is wrong with this device: the sections before it go on, for somebody may want what they write.
    /// </summary>
    public sealed record SectionsFailed(JobId Job, long Tag, string Reason, bool ByPeers = false) : IEvent;

    /// <summary>Drops what has not started, but for what is to <c>Finish</c>, and aborts exchanges in flight.</summary>
    public sealed record CancelWork(JobId Job, string Reason = "the work was cancelled", FirstSections? Finish = null) : ICommand;

    /// <summary>
    /// Nothing of the job is queued or running any more; it may submit again. <c>Finished</c>: how many sections of the submission that was to
    /// finish have run to their end, the first of them without a gap. <c>Failure</c>: why it did not, where the device is to blame.
    /// </summary>
    public sealed record WorkCancelled(JobId Job, int Finished = 0, string? Failure = null) : IEvent;

    /// <summary>Cancels what is left and releases the plan's memory.</summary>
    public sealed record UnloadPlan(JobId Job) : ICommand;

    public sealed record PlanUnloaded(JobId Job) : IEvent;

    /// <summary>Finishes what is queued; until <see cref="Drained"/> new work is refused.</summary>
    public sealed record Drain : ICommand
    {
        public static readonly Drain Instance = new();
    }

    public sealed record Drained : IEvent
    {
        public static readonly Drained Instance = new();
    }

    /// <summary>
    /// Starts nothing more, of any job, until <see cref="ResumeQueue"/>; jobs may go on admitting. Whoever exchanges with peers keeps them
    /// waiting meanwhile, and their deadlines go on.
    /// </summary>
    public sealed record PauseQueue : ICommand
    {
        public static readonly PauseQueue Instance = new();
    }

    /// <summary>What was running is done; the device is idle.</summary>
    public sealed record QueuePaused : IEvent
    {
        public static readonly QueuePaused Instance = new();
    }

    public sealed record ResumeQueue : ICommand
    {
        public static readonly ResumeQueue Instance = new();
    }

    /// <summary>Also to those whose <see cref="PauseQueue"/> was not answered yet.</summary>
    public sealed record QueueResumed : IEvent
    {
        public static readonly QueueResumed Instance = new();
    }

    /// <summary>The sender hears <see cref="QueueChanged"/>: at once, then whenever something has changed, at most once in <c>singa.devices.watch-interval</c>.</summary>
    public sealed record WatchQueue : ICommand
    {
        public static readonly WatchQueue Instance = new();
    }

    public sealed record UnwatchQueue : ICommand
    {
        public static readonly UnwatchQueue Instance = new();
    }

    public sealed record QueueChanged(string Device, QueueStatus Queue) : IEvent;

    public sealed record GetStatus : IQuery
    {
        public static readonly GetStatus Instance = new();
    }

    /// <summary>Queued: not started; running: launched, or in exchange. Bytes: what the allocator holds now, and held at most.</summary>
    public sealed record DeviceStatus(
        DeviceProperties Properties, int Jobs, int Queued, int Running, long AllocatedBytes, long PeakBytes) : IEvent;
}
