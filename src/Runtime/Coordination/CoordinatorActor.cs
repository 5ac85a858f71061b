using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Knows which devices are offered, by whomever, and starts a conductor for each job that is submitted. A job that comes before
/// any device waits for one.
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    private readonly RuntimeSettings settings;
    private readonly TimeProvider time;
    private readonly Dictionary<IActorRef, ImmutableArray<DeviceOffer>> nodes = [];
    private readonly List<SubmitJob> waiting = [];
    private readonly Dictionary<JobId, IActorRef> jobs = [];
    private readonly ILoggingAdapter log = Context.GetLogger();

    /// <param name="node">Where it lives; empty where there is only one.</param>
    /// <param name="herald">A child that tells the nodes of it; null where its node knows.</param>
    public CoordinatorActor(RuntimeSettings settings, TimeProvider time, string node = "", Props? herald = null)
    {
        (this.settings, this.time) = (settings, time);
        if (herald is not null)
            Context.ActorOf(herald, "herald");
        Receive<OfferDevices>(Admit);
        Receive<WithdrawDevice>(Withdraw);
        Receive<SubmitJob>(Submit);
        Receive<CancelJob>(Cancel);
        Receive<PauseJob>(message => Pass(message.Job, message));
        Receive<ResumeJob>(message => Pass(message.Job, message));
        Receive<StopJob>(message => Pass(message.Job, message));
        Receive<DevicesTimedOut>(GiveUp);
        Receive<JobActor.Left>(Ended);
        Receive<ConductorEnded>(Ended);
        Receive<WorkerProtocol.JobReleased>(_ => { });
        Receive<Terminated>(message => nodes.Remove(message.ActorRef));
        Receive<GetCoordinator>(_ => Sender.Tell(new CoordinatorStatus(node, [.. nodes.Values.SelectMany(d => d)], [])));
        Receive<GetDevices>(_ => Sender.Tell(new OfferedDevices([.. nodes.Values.SelectMany(d => d)])));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>A conductor that throws has lost count of its job: it ends, and the host hears so.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Admit(OfferDevices offer)
    {
        if (!nodes.ContainsKey(offer.Node))
            Context.Watch(offer.Node);
        nodes[offer.Node] = offer.Devices;
        offer.Node.Tell(new DevicesAdmitted(offer.Devices));
        if (offer.Devices.IsEmpty)
            return;
        foreach (var job in waiting)
        {
            Timers.Cancel(job.Job);
            Start(job);
        }

        waiting.Clear();
    }

    private void Withdraw(WithdrawDevice withdraw)
    {
        log.Warning("{0} is withdrawn: {1}", withdraw.Device.Worker, withdraw.Reason);
        if (nodes.TryGetValue(Sender, out var offers))
            nodes[Sender] = offers.Remove(withdraw.Device);
        foreach (var job in jobs.Values)
            job.Forward(withdraw);
    }

    private void Submit(SubmitJob submit)
    {
        if (jobs.ContainsKey(submit.Job) || waiting.Any(w => w.Job == submit.Job))
        {
            submit.Observer.Tell(new JobRejected(submit.Job, $"there is a job {submit.Job} already"));
        }
        else if (nodes.Values.All(d => d.IsEmpty))
        {
            waiting.Add(submit);
            Timers.StartSingleTimer(submit.Job, new DevicesTimedOut(submit.Job), settings.DeviceTimeout);
        }
        else
        {
            Start(submit);
        }
    }

    private void Start(SubmitJob submit)
    {
        var devices = nodes.SelectMany(n => n.Value.Select(offer => (offer, n.Key))).ToImmutableArray();
        var job = Context.ActorOf(Props.Create(() => new JobActor(submit, devices, settings, time)).WithDispatcher(Context.Props.Dispatcher), submit.Job.Value);
        jobs.Add(submit.Job, job);
        Context.WatchWith(job, new ConductorEnded(submit.Job, submit.Observer));
    }

    private void Cancel(CancelJob cancel)
    {
        if (jobs.TryGetValue(cancel.Job, out var job))
        {
            job.Forward(cancel);
        }
        else if (waiting.Find(w => w.Job == cancel.Job) is { } submit)
        {
            waiting.Remove(submit);
            Timers.Cancel(cancel.Job);
            submit.Observer.Tell(new JobCancelled(cancel.Job));
        }
    }

    /// <summary>Of a job that has ended its observer has heard already.</summary>
    private void Pass(JobId id, ICommand command)
    {
        if (jobs.TryGetValue(id, out var job))
            job.Forward(command);
    }

    private void GiveUp(DevicesTimedOut timedOut)
    {
        if (waiting.Find(w => w.Job == timedOut.Job) is not { } submit)
            return;
        waiting.Remove(submit);
        submit.Observer.Tell(new JobRejected(
            submit.Job, $"no device was offered for {settings.DeviceTimeout.TotalSeconds:0} s (singa.runtime.device-timeout)"));
    }

    private void Ended(JobActor.Left left)
    {
        jobs.Remove(left.Job);
        Context.Unwatch(Sender);
    }

    /// <summary>A conductor that broke can no longer tell anybody to let go.</summary>
    private void Ended(ConductorEnded ended)
    {
        jobs.Remove(ended.Job);
        foreach (var node in nodes.Keys)
            node.Tell(new WorkerProtocol.ReleaseJob(ended.Job));
        ended.Observer.Tell(new JobFailed(ended.Job, "its conductor ended unexpectedly; the log says why"));
    }

    private sealed record DevicesTimedOut(JobId Job) : INoSerializationVerificationNeeded;

    private sealed record ConductorEnded(JobId Job, IActorRef Observer) : INoSerializationVerificationNeeded;
}
