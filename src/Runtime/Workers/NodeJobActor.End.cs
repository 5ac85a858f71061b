using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Regrouping;
using static Singa.Actors.Runtime.Workers.NodeJobProtocol;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>How a seat ends: devices first, then, of a job that has ended for all, how it ended, once its host knows.</summary>
internal sealed partial class NodeJobActor
{
    private EndingTeller? teller;
    private bool isLetGo;

    private void Release(ReleaseJob ordered)
    {
        if (release is not null)
        {
            // Whoever it gives way to does not want it any more.
            givesWay &= !Sender.Equals(successor?.Conductor);
            return;
        }

        release = ordered;
        stop.Cancel();
        Timers.CancelAll();
        // First of all: rounds that break because the job ends are no news for anybody's log.
        collective.Tell(new CollectiveProtocol.EndGeneration(Id, $"job {Id} has ended"));
        foreach (var worker in workers.Keys)
            Context.Stop(worker);
        if (ordered.Ending is { } ending)
        {
            // Somebody else's word: what is conducted from here ends with it.
            if (localConductor is not null && !localConductor.Equals(Sender))
                localConductor.Tell(new ConductorSuperseded(Id, voting.Seat.Promised), Self);
            teller = new EndingTeller(Id, ending, job.Observer, Context, Timers);
            Timers.StartSingleTimer(nameof(EndingForgotten), EndingForgotten.Instance, order.Settings.ReleaseTimeout);
            Become(() => HasEnded(ordered));
        }

        LeaveWhenEmpty();
    }

    private void HasEnded(ReleaseJob ended)
    {
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(_ => LetGo(Sender));
        // Whoever has not heard of the end would go on, or wait for this node's vote.
        Receive<HoldJob>(_ => Sender.Tell(ended, Context.Parent));
        Receive<StartGeneration>(_ => Sender.Tell(ended, Context.Parent));
        Receive<NodeGone>(message => TellInstead(message.Node));
        Receive<EndingForgotten>(_ => teller!.Begin());
        Receive<EndingTeller.Tick>(_ => teller!.Tell());
        Receive<CoordinatorProtocol.EndingHeard>(_ => Leave());
        Receive<ForgetJob>(_ => Leave());
        // Somebody who conducts it now waits for the answer.
        Receive<ReleaseJob>(_ =>
        {
            if (isLetGo)
                Context.Parent.Tell(new LetGoOf(Id));
        });
        ReceiveAny(message => log.Debug("job {0} has ended: {1} ignored", Id, message.GetType().Name));
        if (voting.Seat.Dead.Contains(voting.Seat.Latest.Conductor))
            teller!.Begin();
    }

    /// <summary>Its conductor would have told the host.</summary>
    private void TellInstead(NodeKey gone)
    {
        if (gone == voting.Seat.Latest.Conductor || gone == voting.Seat.Awaited)
            teller!.Begin();
    }

    private void LetGo(IActorRef device)
    {
        foreach (var (actor, worker) in workers.Where(w => w.Value.Device.Equals(device)).ToArray())
        {
            worker.Resources.Dispose();
            workers.Remove(actor);
        }

        if (release is null && present is not null)
            StartWaiting();
        LeaveWhenEmpty();
    }

    private void LeaveWhenEmpty()
    {
        if (release is not { } ordered || workers.Count > 0 || isLetGo)
            return;
        isLetGo = true;
        // What it began the generation with; what was trained stays.
        ForgetState();
        if (givesWay)
        {
            Context.Parent.Tell(successor!);
            Context.Stop(Self);
            return;
        }

        Context.Parent.Tell(new LetGoOf(Id));
        if (ordered.Ending is null)
            Leave();
    }

    private void Leave()
    {
        if (release?.Ending?.Trained is { } trained)
            order.Replicas.Forget(trained);
        Context.Parent.Tell(new Left(Id, isOut, release?.Ending is not null));
        Context.Stop(Self);
    }

    /// <summary>To the node: no device here holds anything of the job.</summary>
    internal sealed record LetGoOf(JobId Job) : INoSerializationVerificationNeeded;

    /// <summary>To the node: nothing of the job is left here. <c>IsOut</c>: it goes on elsewhere. <c>IsOver</c>: it has ended, and its host knows.</summary>
    internal sealed record Left(JobId Job, bool IsOut, bool IsOver) : INoSerializationVerificationNeeded;

    private sealed record EndingForgotten : INoSerializationVerificationNeeded
    {
        public static readonly EndingForgotten Instance = new();
    }
}
