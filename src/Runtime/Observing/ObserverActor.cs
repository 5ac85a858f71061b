using System.Collections.Immutable;
using Akka.Actor;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// Submits one job, hears of it until it ends, and tells the run that its host holds. When all who trained it are gone nobody else is left
/// who knows of it: then it is submitted once more.
/// </summary>
internal sealed class ObserverActor : ReceiveActor, IWithTimers
{
    // Conductors keep what happened in steps until they hear that their host has it.
    private const int RecordEvery = 64;
    private const int FetchAttempts = 5;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2), SilentFor = TimeSpan.FromSeconds(5);

    private readonly SubmitJob submit;
    private readonly IActorRef coordinator;
    private readonly TrainingRun run;
    private readonly JobTelemetry telemetry;
    private readonly TimeProvider time;
    private ImmutableArray<PeerId> processes = [];
    private long? heard;
    private bool accepted, ended, fetching;
    private long commits;
    private int fetched;

    public ObserverActor(JobId job, JobRef definition, TrainingOptions options, IActorRef coordinator, TrainingRun run, JobTelemetry telemetry, TimeProvider time)
    {
        submit = new SubmitJob(job, definition, options, Self);
        (this.coordinator, this.run, this.telemetry, this.time) = (coordinator, run, telemetry, time);
        Receive<JobAccepted>(Accept);
        Receive<StepCommitted>(message =>
        {
            heard = time.GetTimestamp();
            if (!run.Commit(message.Progress))
                return;
            telemetry.Commit(message.Progress);
            if (++commits % RecordEvery == 0)
                Sender.Tell(new WorkerProtocol.StepsRecorded(message.Job, default, message.Progress.Step + 1));
        });
        Receive<JobRegrouped>(message => Hear(message.Processes, () => run.Regroup(message)));
        Receive<JobWaiting>(_ => heard = time.GetTimestamp());
        Receive<JobPaused>(_ => run.Paused());
        Receive<JobResumed>(_ => run.Resumed());
        Receive<JobRejected>(message => Last(() => run.Refuse(message.Reason), message.Reason));
        Receive<JobCompleted>(Fetch);
        Receive<Fetched>(End);
        Receive<JobFailed>(message => Last(() => run.Fail(message.Reason), message.Reason));
        Receive<ClusterLost>(message => Silent >= message.For, message => Last(() => run.Fail(message.Reason), message.Reason));
        Receive<ClusterLost>(_ => { });
        Receive<JobStopped>(message => Last(() => run.Stopped(message.Step), "stopped"));
        Receive<JobCancelled>(_ => Last(run.Cancelled, "cancelled"));
        Receive<Look>(_ =>
        {
            if (!processes.IsEmpty && Silent > SilentFor)
                coordinator.Tell(submit with { Formerly = processes });
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Silent => heard is { } last ? time.GetElapsedTime(last) : TimeSpan.MaxValue;

    protected override void PreStart()
    {
        coordinator.Tell(submit);
        Timers.StartPeriodicTimer(nameof(Look), Look.Instance, LookEvery);
    }

    /// <summary>A run whose end nobody can report any more ends here; one that has ended takes no notice.</summary>
    protected override void PostStop()
    {
        const string Reason = "the actor system was stopped while the job ran; keep the host running until its jobs have ended";
        run.Fail(Reason);
        if (!ended)
            telemetry.End(Reason);
    }

    private void Accept(JobAccepted message) => Hear(message.Processes, () =>
    {
        if (accepted)
            run.Regroup(new JobRegrouped(message.Job, new(message.Facts.Generation), message.Facts, $"all who trained it were gone; it goes on with step {message.Facts.FirstStep}", message.Processes));
        else
            run.Accept(message.Facts);
        accepted = true;
    });

    private void Hear(ImmutableArray<PeerId> from, Action of)
    {
        (processes, heard) = (from, time.GetTimestamp());
        of();
    }

    /// <summary>What was trained is kept until it is here; whoever told of it tells again, with others to fetch it from where one has gone.</summary>
    private void Fetch(JobCompleted message)
    {
        heard = time.GetTimestamp();
        if (fetching)
            return;
        fetching = true;
        run.FetchAsync(message).PipeTo(Self, Sender, () => new Fetched(message, null), e => new Fetched(message, e.Message));
    }

    private void End(Fetched message)
    {
        fetching = false;
        if (message.Failure is null || ++fetched == FetchAttempts)
            Last(() => run.Complete(message.Completed, message.Failure));
    }

    private void Last(Action end, string? failure = null)
    {
        ended = true;
        telemetry.End(failure);
        end();
        Sender.Tell(new EndingHeard(submit.Job));
        Context.Stop(Self);
    }

    /// <summary>No member of the cluster has answered for so long; whoever trains the job may still be heard.</summary>
    internal sealed record ClusterLost(string Reason, TimeSpan For) : INoSerializationVerificationNeeded;

    /// <summary>The trained values are here.</summary>
    private sealed record Fetched(JobCompleted Completed, string? Failure) : INoSerializationVerificationNeeded;

    /// <summary>Time to see whether anything was heard.</summary>
    private sealed record Look : INoSerializationVerificationNeeded, INotInfluenceReceiveTimeout
    {
        public static readonly Look Instance = new();
    }
}
