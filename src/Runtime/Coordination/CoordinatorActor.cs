using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Regrouping;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>
/// Front door and pool: knows which devices are offered, by whomever, which jobs want how many of them (<see cref="Allotment"/>), and which node
/// conducts which job. A new coordinator learns all this from the nodes.
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    private readonly RuntimeSettings settings;
    private readonly Func<PeerId, Task<bool>> isDead;
    private readonly Dictionary<NodeKey, JobNode> nodes = [];
    private readonly HashSet<NodeKey> leaving = [];
    private readonly List<Entry> jobs = [];
    private readonly EndedJobs ended = new();
    private readonly ILoggingAdapter log = Context.GetLogger();

    /// <param name="home">Where it lives; empty where there is only one.</param>
    /// <param name="herald">A child that tells the nodes of it; null where its node knows.</param>
    /// <param name="isDead">Whether it is proved that a process is no more.</param>
    public CoordinatorActor(RuntimeSettings settings, string home, Props? herald, Func<PeerId, Task<bool>> isDead)
    {
        (this.settings, this.isDead) = (settings, isDead);
        if (herald is not null)
            Context.ActorOf(herald, "herald");
        Receive<OfferDevices>(Admit);
        Receive<WithdrawDevice>(Withdraw);
        Receive<DismissNode>(Dismiss);
        Receive<SubmitJob>(message => message.Formerly.IsEmpty, Submit);
        Receive<SubmitJob>(Doubt);
        Receive<Bereft>(BeginAnew);
        Receive<CancelJob>(Cancel);
        Receive<PauseJob>(message => Pass(message.Job, message));
        Receive<ResumeJob>(message => Pass(message.Job, message));
        Receive<StopJob>(message => Pass(message.Job, message));
        Receive<JobConducted>(Conducted);
        Receive<JobLeft>(message =>
        {
            jobs.RemoveAll(j => j.Id == message.Job);
            ended.Add(message.Job);
            Allot();
        });
        Receive<DevicesTimedOut>(GiveUp);
        Receive<Terminated>(message => Leave(message.ActorRef));
        Receive<GetCoordinator>(_ => Sender.Tell(new CoordinatorStatus(
            home, Offers, [.. jobs.Where(j => j.Conductor is not null).Select(j => new ConductedJob(j.Id, j.Conductor!))],
            [.. jobs.Where(j => j.Conductor is null).Select(j => j.Id)])));
        Receive<GetDevices>(_ => Sender.Tell(new OfferedDevices(Offers)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private ImmutableArray<DeviceOffer> Offers => [.. nodes.Values.OrderBy(n => n.Key).SelectMany(n => n.Offers)];

    private void Admit(OfferDevices offer)
    {
        var node = offer.Node;
        // A node that was started again under its old name is another one.
        foreach (var former in nodes.Keys.Where(k => k.Name == node.Key.Name && k != node.Key).ToArray())
            nodes.Remove(former);
        Context.Watch(node.Node);
        // Whoever offers once more was left behind by a job, which hears of it as if it had never been there.
        if (nodes.ContainsKey(node.Key))
        {
            foreach (var job in jobs)
                job.Allotted = [];
        }

        nodes[node.Key] = node;
        node.Node.Tell(new DevicesAdmitted(node.Offers));
        Allot();
    }

    private void Withdraw(WithdrawDevice withdraw)
    {
        log.Warning("{0} is withdrawn: {1}", withdraw.Device.Worker, withdraw.Reason);
        foreach (var node in nodes.Values.Where(n => n.Offers.Contains(withdraw.Device)).ToArray())
            nodes[node.Key] = node with { Offers = node.Offers.Remove(withdraw.Device) };
        foreach (var conductor in jobs.Select(j => j.Conductor).OfType<IActorRef>().Distinct())
            conductor.Forward(withdraw);
        Allot();
    }

    private void Dismiss(DismissNode dismiss)
    {
        leaving.Add(dismiss.Node);
        foreach (var conductor in jobs.Select(j => j.Conductor).OfType<IActorRef>().Distinct())
            conductor.Tell(dismiss);
        Allot();
    }

    private void Submit(SubmitJob submit)
    {
        // Whoever is not sure that it arrived says it again, and may have said it once too often.
        if (ended.Contains(submit.Job))
            return;
        if (Find(submit.Job) is { } known)
        {
            if (known.Observer.Equals(submit.Observer))
                log.Debug("job {0} is submitted again", submit.Job);
            else
                submit.Observer.Tell(new JobRejected(submit.Job, $"there is a job {submit.Job} already"));
            return;
        }

        Enter(submit);
    }

    /// <summary>Its observer hears nothing any more. Of a silent job only proofs count: what lives may go on any time.</summary>
    private void Doubt(SubmitJob submit)
    {
        if (!IsConducted(submit.Job) && !ended.Contains(submit.Job))
            Task.WhenAll(submit.Formerly.Select(isDead)).PipeTo(Self, success: dead => new Bereft(submit, dead.All(d => d)), failure: _ => new Bereft(submit, false));
    }

    private void BeginAnew(Bereft bereft)
    {
        var submit = bereft.Submit;
        if (!bereft.IsProved || IsConducted(submit.Job) || ended.Contains(submit.Job))
            return;
        log.Warning("job {0} begins anew: every process that had a part in it is dead", submit.Job);
        jobs.RemoveAll(j => j.Id == submit.Job);
        Enter(submit);
    }

    private bool IsConducted(JobId id) => Find(id) is { } job && (job.Conductor is null || nodes.Values.Any(n => n.Node.Equals(job.Conductor)));

    private void Enter(SubmitJob submit)
    {
        var options = submit.Options;
        jobs.Add(new Entry(new JobDemand(submit.Job, options.Priority, options.MinDevices, options.MaxDevices), submit.Observer) { Submitted = submit });
        // Whoever asks for more devices than one has reason to wait for them.
        if (nodes.Values.All(n => n.Offers.IsEmpty))
            Timers.StartSingleTimer(submit.Job, new DevicesTimedOut(submit.Job), settings.DeviceTimeout);
        Allot();
    }

    private void Conducted(JobConducted message)
    {
        var job = Find(message.Job);
        if (job is null)
            jobs.Add(job = new Entry(message.Demand, message.Observer));
        // What the one before it was told it may have taken with it.
        if (!Sender.Equals(job.Conductor))
            job.Allotted = [];
        (job.Conductor, job.Present) = (Sender, message.Devices);
        Allot();
    }

    /// <summary>Whenever devices or jobs come or go.</summary>
    private void Allot()
    {
        var offers = Offers.RemoveAll(o => leaving.Any(k => k.Name == o.Node && nodes.ContainsKey(k)));
        var shares = Allotment.Of(offers, [.. jobs.Select(j => j.Demand)], jobs.Where(j => j.Conductor is not null).ToDictionary(j => j.Id, j => j.Present));
        foreach (var (job, share) in jobs.Zip(shares).ToArray())
        {
            var mine = nodes.Values.OrderBy(n => n.Key).Select(n => n with { Offers = [.. n.Offers.Where(share.Devices.Contains)] }).Where(n => !n.Offers.IsEmpty).ToImmutableArray();
            if (job.Conductor is { } conductor)
            {
                if (!job.Allotted.SequenceEqual(share.Devices))
                    conductor.Tell(new AllotDevices(job.Id, mine, [.. nodes.Keys.Except(mine.Select(n => n.Key))], share.Reason));
            }
            else if (!mine.IsEmpty)
            {
                Timers.Cancel(job.Id);
                job.Conductor = mine[0].Node;
                job.Present = share.Devices;
                mine[0].Node.Tell(new ConductJob(job.Id, job.Submitted!.Definition, job.Submitted.Options, job.Observer, mine));
            }

            job.Allotted = share.Devices;
        }
    }

    private void Cancel(CancelJob cancel)
    {
        if (Find(cancel.Job) is { Conductor: null } waiting)
        {
            jobs.Remove(waiting);
            Timers.Cancel(cancel.Job);
            waiting.Observer.Tell(new JobCancelled(cancel.Job));
        }
        else
        {
            Pass(cancel.Job, cancel);
        }
    }

    /// <summary>Of a job that has ended its observer has heard already.</summary>
    private void Pass(JobId id, ICommand command) => Find(id)?.Conductor?.Forward(command);

    private void GiveUp(DevicesTimedOut timedOut)
    {
        if (Find(timedOut.Job) is not { Conductor: null } waiting)
            return;
        jobs.Remove(waiting);
        waiting.Observer.Tell(new JobRejected(
            timedOut.Job, $"no device was offered for {settings.DeviceTimeout.TotalSeconds:0} s (singa.runtime.device-timeout)"));
    }

    private void Leave(IActorRef node)
    {
        foreach (var gone in nodes.Values.Where(n => n.Node.Equals(node)).ToArray())
        {
            nodes.Remove(gone.Key);
            leaving.Remove(gone.Key);
        }

        Allot();
    }

    private Entry? Find(JobId id) => jobs.Find(j => j.Id == id);

    /// <summary>Whether all processes of a job are dead.</summary>
    private sealed record Bereft(SubmitJob Submit, bool IsProved) : INoSerializationVerificationNeeded;

    private sealed record DevicesTimedOut(JobId Job) : INoSerializationVerificationNeeded;

    /// <summary>A job in the pool. <c>Conductor</c>: the node that conducts it; null while it waits.</summary>
    private sealed class Entry(JobDemand demand, IActorRef observer)
    {
        public JobId Id => demand.Job;

        public JobDemand Demand => demand;

        public IActorRef Observer => observer;

        public SubmitJob? Submitted { get; init; }

        public IActorRef? Conductor { get; set; }

        /// <summary>Devices that it runs on.</summary>
        public ImmutableArray<DeviceOffer> Present { get; set; } = [];

        /// <summary>Devices that it was given last.</summary>
        public ImmutableArray<DeviceOffer> Allotted { get; set; } = [];
    }
}
