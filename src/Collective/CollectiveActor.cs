using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices;
using static Singa.Actors.Collective.CollectiveProtocol;

namespace Singa.Actors.Collective;

/// <summary>
/// Drives the rounds of this process's jobs: opens the round of the next step while one runs, watches deadlines, tells how each ended.
/// Members meet in the transport; none of their bytes and none of their steps waits for this mailbox.
/// </summary>
public sealed class CollectiveActor : ReceiveActor, IWithTimers
{
    private readonly ITransport transport;
    private readonly CollectiveSettings settings;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<JobId, Watched> jobs = [];

    public CollectiveActor(ITransport transport, CollectiveSettings settings)
    {
        (this.transport, this.settings) = (transport, settings);
        Receive<BeginGeneration>(Begin);
        Receive<RoundStarted>(OpenNext);
        Receive<RoundEnded>(Report);
        Receive<AbortRounds>(abort => transport.Abort(abort.Job, abort.Generation, abort.Reason));
        Receive<EndGeneration>(End);
        Receive<GetRounds>(query => Sender.Tell(Status(query.Job)));
        Receive<WatchDue>(_ => Watch());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(ITransport transport, CollectiveSettings settings) =>
        Akka.Actor.Props.Create(() => new CollectiveActor(transport, settings));

    protected override void PreStart() => Timers.StartPeriodicTimer(WatchDue.Instance, WatchDue.Instance, settings.WatchInterval);

    protected override void PostStop()
    {
        foreach (var job in jobs.Keys)
            transport.Close(job, "the collective was stopped");
    }

    private void Begin(BeginGeneration begin)
    {
        var (job, generation) = (begin.Group.Job, begin.Group.Generation);
        if (transport.Open(begin.Group, new Reporter(Self)) is { } reason)
        {
            Sender.Tell(new GenerationRejected(job, generation, reason));
            return;
        }

        jobs[job] = new Watched(generation, begin.Observer) { Opened = begin.FirstStep };
        transport.Prepare(new RoundId(job, generation, begin.FirstStep));
        log.Info("{0} of job {1} begins at step {2} with {3}", generation, job, begin.FirstStep, string.Join(", ", begin.Group.Members));
        Sender.Tell(new GenerationBegun(job, generation));
    }

    private void OpenNext(RoundStarted started)
    {
        var (job, generation, step) = started.Round;
        if (!IsPresent(started.Round, out var watched))
            return;
        for (long next = Math.Max(watched.Opened, step) + 1; next <= step + settings.RoundsAhead; next++)
            transport.Prepare(new RoundId(job, generation, next));
        watched.Opened = Math.Max(watched.Opened, step + settings.RoundsAhead);
    }

    private void Report(RoundEnded ended)
    {
        var outcome = ended.Outcome;
        if (!IsPresent(outcome.Round, out var watched))
            return;
        if (outcome.Failure is { } failure)
        {
            log.Warning("{0} of job {1} failed: {2}", outcome.Round, outcome.Round.Job, failure);
            watched.Observer?.Tell(new RoundFailed(outcome.Round, failure, outcome.Missing));
            return;
        }

        watched.Completed = outcome.Round.Step;
        watched.Observer?.Tell(new RoundCompleted(outcome.Round));
    }

    private void End(EndGeneration end)
    {
        jobs.Remove(end.Job);
        transport.Close(end.Job, end.Reason);
        Sender.Tell(new GenerationEnded(end.Job));
    }

    private void Watch()
    {
        foreach (var job in jobs.Keys)
            transport.Watch(job, settings.Deadline);
    }

    private RoundsStatus Status(JobId job) => jobs.TryGetValue(job, out var watched)
        ? new RoundsStatus(job, watched.Generation, watched.Opened, watched.Completed)
        : new RoundsStatus(job, null, null, null);

    /// <summary>News of an older generation may still lie in the mailbox; nobody needs it any more.</summary>
    private bool IsPresent(RoundId round, out Watched watched) =>
        jobs.TryGetValue(round.Job, out watched!) && watched.Generation == round.Generation;

    private sealed class Watched(Generation generation, IActorRef? observer)
    {
        public Generation Generation => generation;

        public IActorRef? Observer => observer;

        public long Opened { get; set; }

        public long? Completed { get; set; }
    }

    private sealed class Reporter(IActorRef self) : IRoundObserver
    {
        public void Started(RoundId round) => self.Tell(new RoundStarted(round), ActorRefs.NoSender);

        public void Ended(RoundOutcome outcome) => self.Tell(new RoundEnded(outcome), ActorRefs.NoSender);
    }

    private sealed record RoundStarted(RoundId Round) : INoSerializationVerificationNeeded;

    private sealed record RoundEnded(RoundOutcome Outcome) : INoSerializationVerificationNeeded;

    private sealed record WatchDue : INotInfluenceReceiveTimeout, INoSerializationVerificationNeeded
    {
        public static readonly WatchDue Instance = new();
    }
}
