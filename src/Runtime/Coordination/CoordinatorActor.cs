using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Knows which devices are offered, by whomever, and which node conducts which job. A job that is submitted is given to one of the nodes to
/// conduct; one that comes before any device waits. A new coordinator learns all this from the nodes.
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    private readonly RuntimeSettings settings;
    private readonly Dictionary<NodeKey, JobNode> nodes = [];
    private readonly List<SubmitJob> waiting = [];
    private readonly Dictionary<JobId, (IActorRef Conductor, IActorRef Observer)> jobs = [];
    private readonly HashSet<JobId> ended = [];
    private readonly ILoggingAdapter log = Context.GetLogger();

    /// <param name="home">Where it lives; empty where there is only one.</param>
    /// <param name="herald">A child that tells the nodes of it; null where its node knows.</param>
    public CoordinatorActor(RuntimeSettings settings, string home, Props? herald)
    {
        this.settings = settings;
        if (herald is not null)
            Context.ActorOf(herald, "herald");
        Receive<OfferDevices>(Admit);
        Receive<WithdrawDevice>(Withdraw);
        Receive<SubmitJob>(Submit);
        Receive<CancelJob>(Cancel);
        Receive<PauseJob>(message => Pass(message.Job, message));
        Receive<ResumeJob>(message => Pass(message.Job, message));
        Receive<StopJob>(message => Pass(message.Job, message));
        Receive<JobConducted>(message => jobs[message.Job] = (Sender, message.Observer));
        Receive<JobLeft>(message =>
        {
            jobs.Remove(message.Job);
            ended.Add(message.Job);
        });
        Receive<DevicesTimedOut>(GiveUp);
        Receive<Terminated>(message => Leave(message.ActorRef));
        Receive<GetCoordinator>(_ => Sender.Tell(new CoordinatorStatus(
            home, [.. nodes.Values.SelectMany(n => n.Offers)], [.. jobs.Select(j => new ConductedJob(j.Key, j.Value.Conductor))], [.. waiting.Select(w => w.Job)])));
        Receive<GetDevices>(_ => Sender.Tell(new OfferedDevices([.. nodes.Values.SelectMany(n => n.Offers)])));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private void Admit(OfferDevices offer)
    {
        var node = offer.Node;
        // A node that was started again under its old name is another one.
        foreach (var former in nodes.Keys.Where(k => k.Name == node.Key.Name && k != node.Key).ToArray())
            nodes.Remove(former);
        Context.Watch(node.Node);
        nodes[node.Key] = node;
        node.Node.Tell(new DevicesAdmitted(node.Offers));
        if (node.Offers.IsEmpty)
            return;
        foreach (var (id, job) in jobs)
            job.Conductor.Tell(new RecruitNode(id, node));
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
        foreach (var node in nodes.Values.Where(n => n.Offers.Contains(withdraw.Device)).ToArray())
            nodes[node.Key] = node with { Offers = node.Offers.Remove(withdraw.Device) };
        foreach (var conductor in jobs.Values.Select(j => j.Conductor).Distinct())
            conductor.Forward(withdraw);
    }

    private void Submit(SubmitJob submit)
    {
        // Whoever is not sure that it arrived says it again, and may have said it once too often.
        if (ended.Contains(submit.Job))
            return;
        bool isKnown = jobs.TryGetValue(submit.Job, out var job);
        if (isKnown && job.Observer.Equals(submit.Observer))
        {
            log.Debug("job {0} is submitted again", submit.Job);
        }
        else if (waiting.Any(w => w.Job == submit.Job && w.Observer.Equals(submit.Observer)))
        {
            log.Debug("job {0} waits already", submit.Job);
        }
        else if (isKnown || waiting.Any(w => w.Job == submit.Job))
        {
            submit.Observer.Tell(new JobRejected(submit.Job, $"there is a job {submit.Job} already"));
        }
        else if (nodes.Values.All(n => n.Offers.IsEmpty))
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
        ImmutableArray<JobNode> able = [.. nodes.Values.Where(n => !n.Offers.IsEmpty).OrderBy(n => n.Key)];
        var conductor = able[0].Node;
        jobs.Add(submit.Job, (conductor, submit.Observer));
        conductor.Tell(new ConductJob(submit.Job, submit.Definition, submit.Options, submit.Observer, able));
    }

    private void Cancel(CancelJob cancel)
    {
        if (waiting.Find(w => w.Job == cancel.Job) is { } submit)
        {
            waiting.Remove(submit);
            Timers.Cancel(cancel.Job);
            submit.Observer.Tell(new JobCancelled(cancel.Job));
        }
        else
        {
            Pass(cancel.Job, cancel);
        }
    }

    /// <summary>Of a job that has ended its observer has heard already.</summary>
    private void Pass(JobId id, ICommand command)
    {
        if (jobs.TryGetValue(id, out var job))
            job.Conductor.Forward(command);
    }

    private void GiveUp(DevicesTimedOut timedOut)
    {
        if (waiting.Find(w => w.Job == timedOut.Job) is not { } submit)
            return;
        waiting.Remove(submit);
        submit.Observer.Tell(new JobRejected(
            submit.Job, $"no device was offered for {settings.DeviceTimeout.TotalSeconds:0} s (singa.runtime.device-timeout)"));
    }

    private void Leave(IActorRef node)
    {
        foreach (var gone in nodes.Values.Where(n => n.Node.Equals(node)).ToArray())
            nodes.Remove(gone.Key);
    }

    private sealed record DevicesTimedOut(JobId Job) : INoSerializationVerificationNeeded;
}
