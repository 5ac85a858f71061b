using Akka.Actor;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster.Wire;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Tells a job's observer how it ended, again and again until it has heard: <see cref="CoordinatorProtocol.EndingHeard"/> says so, also where it is no more.
/// The actor that has it sends on each <see cref="Tick"/>.
/// </summary>
internal sealed class EndingTeller(JobId job, JobEnding ending, IActorRef observer, IActorContext context, ITimerScheduler timers)
{
    private static readonly TimeSpan Repeat = TimeSpan.FromSeconds(1);

    private bool begun;

    public void Begin()
    {
        if (begun)
            return;
        begun = true;
        context.WatchWith(observer, new CoordinatorProtocol.EndingHeard(job));
        timers.StartPeriodicTimer(nameof(EndingTeller), Tick.Instance, Repeat);
        Tell();
    }

    public void Tell() => observer.Tell(ending.Event, context.Self);

    /// <summary>Time to tell it again.</summary>
    public sealed record Tick : INoSerializationVerificationNeeded, ILocalMessage
    {
        public static readonly Tick Instance = new();
    }
}
