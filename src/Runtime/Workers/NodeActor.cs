using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// One process's part in training: opens its devices, offers them to the coordinator, reads a job's data once for all of its
/// workers, and starts a worker per device and job. What workers hold outlives them here until their device has let go of it.
/// </summary>
internal sealed class NodeActor : ReceiveActor
{
    private readonly NodeOrder order;
    private readonly IActorRef coordinator;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<string, IActorRef> devices = [];
    private readonly Dictionary<JobId, NodeJob> jobs = [];

    public NodeActor(NodeOrder order, IActorRef coordinator)
    {
        (this.order, this.coordinator) = (order, coordinator);
        Receive<CoordinatorProtocol.DevicesAdmitted>(message =>
            log.Info("{0} offered: {1}", order.Name.Length > 0 ? order.Name : "devices", string.Join(", ", message.Devices.Select(d => d.Device))));
        Receive<PrepareJob>(Prepare);
        Receive<DataRead>(Prepared);
        Receive<DataUnreadable>(NotPrepared);
        Receive<StartWorker>(Start);
        Receive<ReleaseJob>(Release);
        Receive<Terminated>(Ended);
        Receive<DeviceProtocol.PlanUnloaded>(Unloaded);
    }

    protected override void PreStart()
    {
        foreach (var device in order.Devices)
        {
            var actor = Context.ActorOf(device.Actor, device.Name.Replace(':', '-'));
            Context.Watch(actor);
            devices.Add(device.Name, actor);
        }

        coordinator.Tell(new CoordinatorProtocol.OfferDevices([.. order.Devices.Select(d => new DeviceOffer(order.Name, d.Name))], Self));
    }

    /// <summary>A worker or device that throws has lost its state: it ends, and whoever watches draws the conclusions.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Prepare(PrepareJob prepare)
    {
        var job = jobs[prepare.Job] = new NodeJob(Sender);
        DataLoader.LoadAsync(prepare.Definition.Data, prepare.Definition.Seed, job.Stop.Token).PipeTo(
            Self, success: data => new DataRead(prepare.Job, data), failure: e => new DataUnreadable(prepare.Job, e));
    }

    private void Prepared(DataRead read)
    {
        if (!jobs.TryGetValue(read.Job, out var job))
            return;
        job.Data = read.Data;
        job.Conductor.Tell(new JobPrepared(read.Job, read.Data.Description));
    }

    private void NotPrepared(DataUnreadable unreadable)
    {
        if (!jobs.TryGetValue(unreadable.Job, out var job))
            return;
        if (unreadable.Cause is not JobRefusedException)
            log.Error(unreadable.Cause, "the data of job {0} could not be read", unreadable.Job);
        job.Conductor.Tell(new PreparationFailed(unreadable.Job, unreadable.Cause.Message));
    }

    private void Start(StartWorker start)
    {
        var member = start.Membership.Members[start.Rank];
        if (!jobs.TryGetValue(start.Job, out var job) || job.Data is null || !devices.TryGetValue(member.Offer.Device, out var device))
        {
            Sender.Tell(new WorkerRejected(start.Job, start.Membership.Generation, start.Rank, $"{member.Worker} is not prepared for job {start.Job}"));
            return;
        }

        var resources = new WorkerResources();
        var worker = Context.ActorOf(
            Props.Create(() => new WorkerActor(
                new WorkerOrder(start.Job, start.Definition, start.Options, start.Membership, start.Rank, job.Data),
                device, job.Conductor, order.Replicas, resources, order.Settings, order.Time)).WithDispatcher(order.Dispatcher),
            $"{start.Job}-{start.Membership.Generation.Number}-{start.Rank}");
        Context.Watch(worker);
        job.Workers.Add(worker, new NodeWorker(start.Membership.Generation, start.Rank, device, resources));
    }

    private void Ended(Terminated terminated)
    {
        if (devices.FirstOrDefault(d => d.Value.Equals(terminated.ActorRef)) is { Key: { } name })
        {
            devices.Remove(name);
            coordinator.Tell(new CoordinatorProtocol.WithdrawDevice(new DeviceOffer(order.Name, name), "its actor ended; the log says why"));
            foreach (var (job, worker) in jobs.SelectMany(j => j.Value.Workers.Values.Where(w => w.Device.Equals(terminated.ActorRef)).Select(w => (j.Key, w))))
                jobs[job].Conductor.Tell(new WorkerFailed(job, worker.Generation, worker.Rank, $"device {name} ended"));
        }

        foreach (var (id, job) in jobs)
        {
            if (!job.Workers.TryGetValue(terminated.ActorRef, out var worker))
                continue;
            if (job.Release is null)
                job.Conductor.Tell(new WorkerFailed(id, worker.Generation, worker.Rank, "its actor ended; the log says why"));
            // Only now is it certain that nothing more is admitted to the device.
            worker.Device.Tell(new DeviceProtocol.UnloadPlan(id));
        }
    }

    private void Release(ReleaseJob release)
    {
        if (!jobs.TryGetValue(release.Job, out var job))
        {
            Sender.Tell(new JobReleased(release.Job));
            return;
        }

        job.Release = Sender;
        job.Stop.Cancel();
        foreach (var worker in job.Workers.Keys)
            Context.Stop(worker);
        ForgetWhenEmpty(release.Job, job);
    }

    private void Unloaded(DeviceProtocol.PlanUnloaded unloaded)
    {
        if (!jobs.TryGetValue(unloaded.Job, out var job))
            return;
        foreach (var (actor, worker) in job.Workers.Where(w => w.Value.Device.Equals(Sender)).ToArray())
        {
            worker.Resources.Dispose();
            job.Workers.Remove(actor);
        }

        ForgetWhenEmpty(unloaded.Job, job);
    }

    private void ForgetWhenEmpty(JobId id, NodeJob job)
    {
        if (job.Release is null || job.Workers.Count > 0)
            return;
        jobs.Remove(id);
        job.Stop.Dispose();
        job.Release.Tell(new JobReleased(id));
    }

    private sealed class NodeJob(IActorRef conductor)
    {
        public IActorRef Conductor { get; } = conductor;

        public CancellationTokenSource Stop { get; } = new();

        public Dictionary<IActorRef, NodeWorker> Workers { get; } = [];

        public Dataset? Data { get; set; }

        /// <summary>Who wants to know when nothing is left.</summary>
        public IActorRef? Release { get; set; }
    }

    private sealed record NodeWorker(Generation Generation, int Rank, IActorRef Device, WorkerResources Resources);

    private sealed record DataRead(JobId Job, Dataset Data) : INoSerializationVerificationNeeded;

    private sealed record DataUnreadable(JobId Job, Exception Cause) : INoSerializationVerificationNeeded;
}

/// <summary>What a node is started with. <c>Name</c>: empty where there is only one.</summary>
internal sealed record NodeOrder(string Name, ImmutableArray<NodeDevice> Devices, ReplicaStore Replicas, RuntimeSettings Settings, TimeProvider Time, string Dispatcher);

internal sealed record NodeDevice(string Name, Props Actor);
