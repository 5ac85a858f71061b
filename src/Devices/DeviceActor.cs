using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Devices.Queue;
using static Singa.Actors.Devices.DeviceProtocol;

namespace Singa.Actors.Devices;

/// <summary>
/// One device: owns its backend, its queue and its thread, and everything that jobs have loaded. It admits and accounts; computing
/// happens on the executor's thread, and answers to <see cref="RunSections"/> come from there.
/// </summary>
public sealed class DeviceActor : ReceiveActor, IWithTimers
{
    private readonly DeviceAllocator backend;
    private readonly OpQueue queue;
    private readonly Executor executor;
    private readonly DeviceGauges gauges;
    private readonly ILoggingAdapter log = Context.GetLogger();

    /// <summary>Null while the plan is being loaded.</summary>
    private readonly Dictionary<JobId, JobLane?> jobs = [];

    private readonly HashSet<JobId> unloading = [];

    private readonly DevicesSettings settings;
    private readonly HashSet<IActorRef> watchers = [];
    private QueueStatus? watched;

    public DeviceActor(string name, Func<IBackend> open, DevicesSettings settings, IExecutionObserver? observer = null)
    {
        this.settings = settings;
        backend = new DeviceAllocator(open());
        queue = new OpQueue(settings.QueueDepth);
        gauges = new DeviceGauges(queue, backend);
        Telemetry.Add(gauges, name);
        executor = new Executor($"singa {name}", queue, backend, settings.SpinTime, observer);
        Receive<LoadPlan>(Load);
        Receive<Loaded>(Remember);
        Receive<NotLoaded>(Forget);
        Receive<RunSections>(Admit);
        Receive<CancelWork>(Cancel);
        Receive<UnloadPlan>(Unload);
        Receive<Unloaded>(Forget);
        Receive<Drain>(_ => queue.Drain(Answer(Sender, Drained.Instance)));
        Receive<PauseQueue>(_ => Pause());
        Receive<ResumeQueue>(_ => Resume());
        Receive<WatchQueue>(_ => Watch());
        Receive<UnwatchQueue>(_ => Unwatch(Sender));
        Receive<Terminated>(message => Unwatch(message.ActorRef));
        Receive<WatchDue>(_ => Publish());
        Receive<GetStatus>(_ => Sender.Tell(Status()));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(DeviceDescription device, DevicesSettings settings) => Props(device.Name, () => Backends.Create(device), settings);

    /// <param name="open">Called when the actor starts, and again should its supervisor restart it.</param>
    /// <param name="observer">Sees all that the device does.</param>
    public static Props Props(string name, Func<IBackend> open, DevicesSettings settings, IExecutionObserver? observer = null) =>
        Akka.Actor.Props.Create(() => new DeviceActor(name, open, settings, observer));

    /// <summary>Ends the thread when what runs is over, peers that combine our buckets included, then gives all memory back.</summary>
    protected override void PostStop()
    {
        Telemetry.Remove(gauges);
        foreach (var lane in jobs.Values.OfType<JobLane>())
            Cancel(lane, $"device {backend.Properties.Name} was stopped", static () => { });
        if (executor.Stop(settings.StopGrace))
            backend.Dispose();
        else
            log.Error("{0} still has exchanges in flight after {1}; its memory stays with them", backend.Properties.Name, settings.StopGrace);
    }

    private void Load(LoadPlan load)
    {
        if (!jobs.TryAdd(load.Job, null))
        {
            Sender.Tell(new PlanRejected(load.Job, $"device {backend.Properties.Name} has a plan of job {load.Job} already; unload it first"));
            return;
        }

        var (self, sender) = (Self, Sender);
        executor.Post(() =>
        {
            try
            {
                var plan = LoadedPlan.Load(backend, load.Plan, load.External, executor);
                var lane = OpQueue.Open(load.Job, PlanHazards.Of(load.Plan, load.External), new JobContext(plan, load.Exchange));
                self.Tell(new Loaded(lane), sender);
            }
            catch (Exception e)
            {
                self.Tell(new NotLoaded(load.Job, e), sender);
            }
        });
    }

    private void Remember(Loaded loaded)
    {
        var (job, plan) = (loaded.Lane.Job, ((JobContext)loaded.Lane.Context!).Plan);
        jobs[job] = loaded.Lane;
        gauges.PlannedBytes += plan.PlannedBytes;
        log.Debug("{0} loaded a plan of job {1}: {2} sections, {3} bytes", backend.Properties.Name, job, plan.Plan.Sections.Length, plan.PlannedBytes);
        Sender.Tell(new PlanLoaded(job, plan));
    }

    private void Forget(NotLoaded failed)
    {
        jobs.Remove(failed.Job);
        log.Error(failed.Cause, "{0} could not load a plan of job {1}", backend.Properties.Name, failed.Job);
        Sender.Tell(new PlanRejected(failed.Job, $"device {backend.Properties.Name} could not load the plan of job {failed.Job}: {failed.Cause.Message}"));
    }

    private void Admit(RunSections run)
    {
        if (Refusal(run) is { } reason)
            Sender.Tell(new SectionsFailed(run.Job, run.Tag, reason, jobs.GetValueOrDefault(run.Job)?.IsFailedByPeers == true));
        else
            executor.Wake();
    }

    /// <summary>Admits; or says why not.</summary>
    private string? Refusal(RunSections run)
    {
        if (!jobs.TryGetValue(run.Job, out var lane) || lane is null)
            return $"device {backend.Properties.Name} has no plan of job {run.Job}";
        var plan = ((JobContext)lane.Context!).Plan.Plan;
        foreach (var section in run.Sections)
        {
            string? mismatch = section.Section < 0 || section.Section >= plan.Sections.Length
                ? $"the plan of job {run.Job} has no section number {section.Section}"
                : HostTransfer.Mismatch(plan.Sections[section.Section], section.HostBuffers.AsSpan());
            if (mismatch is not null)
            {
                queue.Block(lane, mismatch);
                return mismatch;
            }
        }

        return queue.Admit(lane, run.Tag, run.Sections, run.Priority, new Report(run.Job, Sender, Self));
    }

    private void Cancel(CancelWork cancel)
    {
        if (!jobs.TryGetValue(cancel.Job, out var lane) || lane is null)
        {
            Sender.Tell(new WorkCancelled(cancel.Job));
            return;
        }

        var (self, sender) = (Self, Sender);
        Cancel(lane, cancel.Reason, () => sender.Tell(
            new WorkCancelled(cancel.Job, cancel.Finish is { } finish ? lane.SectionsRun(finish.Tag) : 0, cancel.Finish is null ? null : lane.Failure), self), cancel.Finish);
        executor.Wake();
    }

    private void Unload(UnloadPlan unload)
    {
        if (!jobs.TryGetValue(unload.Job, out var lane) || !unloading.Add(unload.Job))
        {
            Sender.Tell(new PlanUnloaded(unload.Job));
            return;
        }

        var (self, sender) = (Self, Sender);
        if (lane is null)
        {
            // Still being loaded: come again behind the answer to that, which is on its way from the same thread.
            unloading.Remove(unload.Job);
            executor.Post(() => self.Tell(unload, sender));
            return;
        }

        Cancel(lane, "its plan is being unloaded", () => self.Tell(new Unloaded(lane), sender));
    }

    private void Forget(Unloaded unloaded)
    {
        var job = unloaded.Lane.Job;
        jobs.Remove(job);
        unloading.Remove(job);
        var plan = ((JobContext)unloaded.Lane.Context!).Plan;
        gauges.PlannedBytes -= plan.PlannedBytes;
        plan.Dispose();
        Sender.Tell(new PlanUnloaded(job));
    }

    private void Cancel(JobLane lane, string reason, Action quiet, FirstSections? finish = null)
    {
        queue.Cancel(lane, reason, quiet, finish);
        ((JobContext)lane.Context!).Exchange.Abort(reason);
    }

    private void Pause()
    {
        var (sender, self) = (Sender, Self);
        queue.Pause(still => sender.Tell(still ? QueuePaused.Instance : QueueResumed.Instance, self));
        log.Info("the queue of {0} is paused", backend.Properties.Name);
    }

    private void Resume()
    {
        queue.Resume();
        executor.Wake();
        Sender.Tell(QueueResumed.Instance);
    }

    private void Watch()
    {
        var now = Queue();
        if (watchers.Count == 0)
        {
            watched = now;
            Timers.StartPeriodicTimer(WatchDue.Instance, WatchDue.Instance, settings.WatchInterval);
        }

        if (watchers.Add(Sender))
            Context.Watch(Sender);
        Sender.Tell(new QueueChanged(backend.Properties.Name, now));
    }

    private void Unwatch(IActorRef watcher)
    {
        if (watchers.Remove(watcher))
            Context.Unwatch(watcher);
        if (watchers.Count == 0)
            Timers.Cancel(WatchDue.Instance);
    }

    /// <summary>Tells those who watch, where something has changed since they were told.</summary>
    private void Publish()
    {
        var now = Queue();
        if (now == watched)
            return;
        watched = now;
        foreach (var watcher in watchers)
            watcher.Tell(new QueueChanged(backend.Properties.Name, now));
    }

    private QueueStatus Queue() => queue.Status(jobs.Values.OfType<JobLane>().OrderBy(l => l.Job.Value, StringComparer.Ordinal));

    private DeviceStatus Status()
    {
        var (queued, running) = queue.Count;
        return new DeviceStatus(backend.Properties, jobs.Count, queued, running, backend.AllocatedBytes, backend.PeakBytes);
    }

    private Action Answer(IActorRef to, object answer)
    {
        var self = Self;
        return () => to.Tell(answer, self);
    }

    private sealed record Loaded(JobLane Lane) : INoSerializationVerificationNeeded;

    private sealed record NotLoaded(JobId Job, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record Unloaded(JobLane Lane) : INoSerializationVerificationNeeded;

    private sealed record WatchDue : INotInfluenceReceiveTimeout, INoSerializationVerificationNeeded
    {
        public static readonly WatchDue Instance = new();
    }

    private sealed class Report(JobId job, IActorRef to, IActorRef self) : ISubmissionListener
    {
        public void Completed(long tag, TimeSpan busy) => to.Tell(new SectionsCompleted(job, tag, busy, Stopwatch.GetTimestamp()), self);

        public void Failed(long tag, string reason, bool byPeers) => to.Tell(new SectionsFailed(job, tag, reason, byPeers), self);
    }
}
