using Akka.Actor;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Observing;

/// <summary>Hears of one job until it ends, and tells the run that its host holds.</summary>
internal sealed class ObserverActor : ReceiveActor
{
    private readonly TrainingRun run;
    private readonly JobTelemetry telemetry;
    private bool ended;

    public ObserverActor(TrainingRun run, JobTelemetry telemetry)
    {
        (this.run, this.telemetry) = (run, telemetry);
        Receive<JobAccepted>(message => run.Accept(message.Facts));
        Receive<StepCommitted>(message =>
        {
            run.Commit(message.Progress);
            telemetry.Commit(message.Progress);
        });
        Receive<JobRegrouped>(message => run.Regroup(message));
        Receive<JobPaused>(_ => run.Paused());
        Receive<JobResumed>(_ => run.Resumed());
        Receive<JobRejected>(message => Last(() => run.Refuse(message.Reason), message.Reason));
        Receive<JobCompleted>(message => Last(() => run.Complete(message.Outcome)));
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

    private void Last(Action end, string? failure = null)
    {
        ended = true;
        telemetry.End(failure);
        end();
        Context.Stop(Self);
    }
}
