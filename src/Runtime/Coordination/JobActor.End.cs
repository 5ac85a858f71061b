using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>How a job ends: devices first, then its host, then whatever the nodes kept of it.</summary>
internal sealed partial class JobActor
{
    private void Releasing()
    {
        Receive<JobReleased>(message => Released(message.From));
        Receive<NodeGone>(message => Released(message.Node));
        Receive<NodeFailed>(message => Released(message.From));
        Receive<ReleaseTimedOut>(_ =>
        {
            log.Warning("job {0} has ended, but {1} did not release it", job.Job, string.Join(", ", nodes.Keys.Except(released)));
            teller!.Begin();
        });
        Receive<EndingTeller.Tick>(_ => teller!.Tell());
        Receive<EndingHeard>(_ => Leave());
        // A second cancellation, or reports that were on their way.
        ReceiveAny(message => log.Debug("job {0} has ended: {1} ignored", job.Job, message.GetType().Name));
    }

    private JobCompleted Completed(JobOutcome outcome) =>
        new(job.Job, outcome, data!, normalisation, [.. nodes.Values.Select(n => n.Peer).OfType<PeerId>()]);

    private CoordinatorProtocol.IEvent Lost(string why) => accepted ? new JobFailed(job.Job, why) : new JobRejected(job.Job, why);

    /// <summary>The observer hears how it ended once the devices are free of it; every node knows it by then, should this one be gone.</summary>
    private void End(CoordinatorProtocol.IEvent how)
    {
        if (teller is not null)
            return;
        var ending = JobEnding.Of(how);
        run?.Abandon();
        log.Info("job {0} ends: {1}", job.Job, ending);
        Timers.CancelAll();
        Timers.StartSingleTimer(nameof(ReleaseTimedOut), ReleaseTimedOut.Instance, settings.ReleaseTimeout);
        teller = new EndingTeller(job.Job, ending, job.Observer, Context, Timers);
        Become(Releasing);
        TellNodes(new ReleaseJob(job.Job, ending));
        // Those that fell silent and were left behind hold nothing that anybody waits for.
        released.UnionWith(nodes.Keys.Where(n => !prepared.Contains(n) && !preparing.Contains(n)));
        TellEnding();
    }

    private void Released(NodeKey node)
    {
        released.Add(node);
        TellEnding();
    }

    private void TellEnding()
    {
        if (!nodes.Keys.All(released.Contains))
            return;
        Timers.Cancel(nameof(ReleaseTimedOut));
        teller!.Begin();
    }

    private void Leave()
    {
        TellNodes(new ForgetJob(job.Job));
        Context.Parent.Tell(new Left(job.Job, IsOver: true));
        Context.Stop(Self);
    }

    private void Stop()
    {
        if (run is not null && accepted)
            Carry(run.Rest(end: true));
        else
            End(new JobCancelled(job.Job));
    }
}
