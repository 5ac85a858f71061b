using Akka.Actor;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Observing;

/// <summary>Hears of one job until it ends, and tells the run that its host holds.</summary>
internal sealed class ObserverActor : ReceiveActor
{
    public ObserverActor(TrainingRun run)
    {
        Receive<JobAccepted>(message => run.Accept(message.Facts));
        Receive<StepCommitted>(message => run.Commit(message.Progress));
        Receive<JobRejected>(message => Last(() => run.Refuse(message.Reason)));
        Receive<JobCompleted>(message => Last(() => run.Complete(message.Outcome)));
        Receive<JobFailed>(message => Last(() => run.Fail(message.Reason)));
        Receive<JobCancelled>(_ => Last(run.Cancelled));
    }

    private static void Last(Action end)
    {
        end();
        Context.Stop(Context.Self);
    }
}
