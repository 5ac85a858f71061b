using Akka.Actor;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Observing;

/// <summary>Hears of one job until it ends, and tells the run that its host holds.</summary>
internal sealed class ObserverActor : ReceiveActor
{
    private readonly TrainingRun run;

    public ObserverActor(TrainingRun run)
    {
        this.run = run;
        Receive<JobAccepted>(message => run.Accept(message.Facts));
        Receive<StepCommitted>(message => run.Commit(message.Progress));
        Receive<JobPaused>(_ => run.Paused());
        Receive<JobResumed>(_ => run.Resumed());
        Receive<JobRejected>(message => Last(() => run.Refuse(message.Reason)));
        Receive<JobCompleted>(message => Last(() => run.Complete(message.Outcome)));
        Receive<JobFailed>(message => Last(() => run.Fail(message.Reason)));
        Receive<JobStopped>(message => Last(() => run.Stopped(message.Step)));
        Receive<JobCancelled>(_ => Last(run.Cancelled));
    }

    /// <summary>A run whose end nobody can report any more ends here; one that has ended takes no notice.</summary>
    protected override void PostStop() => run.Fail("the actor system was stopped while the job ran; keep the host running until its jobs have ended");

    private static void Last(Action end)
    {
        end();
        Context.Stop(Context.Self);
    }
}
