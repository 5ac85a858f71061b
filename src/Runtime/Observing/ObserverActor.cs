using Akka.Actor;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Observing;

/// <summary>Hears of one job until it ends, and tells the run that its host holds.</summary>
internal sealed class ObserverActor : ReceiveActor
{
    // Conductors keep what happened in steps until they hear that their host has it.
    private const int RecordEvery = 64;

    private readonly TrainingRun run;
    private readonly JobTelemetry telemetry;
    private bool ended;
    private long commits;

    public ObserverActor(TrainingRun run, JobTelemetry telemetry)
    {
        (this.run, this.telemetry) = (run, telemetry);
        Receive<JobAccepted>(message => run.Accept(message.Facts));
        Receive<StepCommitted>(message =>
        {
            if (!run.Commit(message.Progress))
                return;
            telemetry.Commit(message.Progress);
            if (++commits % RecordEvery == 0)
                Sender.Tell(new WorkerProtocol.StepsRecorded(message.Job, default, message.Progress.Step + 1));
        });
        Receive<JobRegrouped>(message => run.Regroup(message));
        Receive<JobPaused>(_ => run.Paused());
        Receive<JobResumed>(_ => run.Resumed());
        Receive<JobRejected>(message => Last(() => run.Refuse(message.Reason), message.Reason));
        Receive<JobCompleted>(message => run.FetchAsync(message).PipeTo(Self, Sender, () => new Fetched(message, null), e => new Fetched(message, e.Message)));
        Receive<Fetched>(message => Last(() => run.Complete(message.Completed, message.Failure)));
        Receive<JobFailed>(message => Last(() => run.Fail(message.Reason), message.Reason));
        Receive<JobStopped>(message => Last(() => run.Stopped(message.Step), "stopped"));
        Receive<JobCancelled>(_ => Last(run.Cancelled, "cancelled"));
    }

    /// <summary>A run whose end nobody can report any more ends here; one that has ended takes no notice.</summary>
    protected override void PostStop()
    {
        const string Reason = "the actor system was stopped while the job ran; keep the host running until its jobs have ended";
        run.Fail(Reason);
        if (!ended)
            telemetry.End(Reason);
    }

    /// <summary>The trained values are here.</summary>
    private sealed record Fetched(JobCompleted Completed, string? Failure) : INoSerializationVerificationNeeded;

    private void Last(Action end, string? failure = null)
    {
        ended = true;
        telemetry.End(failure);
        end();
        Context.Stop(Self);
    }
}
