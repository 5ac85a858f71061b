using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Coordination;
using static Singa.Actors.Runtime.Workers.WorkerProtocol;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// A model replica on one device and a contiguous range of shards. It compiles its plan, loads it, and then runs the job by itself:
/// <code>
/// compiling ─► loading ─► waiting (for the replica) ─► placing ─► ready ─ StepsBegun ─► running ─ FinishSteps ─► finishing
///                   any of them ─► failed                                  running, finishing ─ InterruptWorker ─► resting
/// </code>
/// Batches arrive from the feeder, sections go to the device some steps ahead, sums come back and are reported.
/// </summary>
internal sealed class WorkerActor : ReceiveActor, IWithTimers
{
    /// <summary>A step's first section.</summary>
    private const int GradientSections = 1;

    private readonly WorkerOrder order;
    private readonly IActorRef device;
    private readonly IActorRef conductor;
    private readonly ReplicaStore replicas;
    private readonly WorkerResources resources;
    private readonly RuntimeSettings settings;
    private readonly TimeProvider time;
    private readonly StepPipeline pipeline;
    private readonly List<BatchSums> test = [];
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly WorkerExchange exchange;
    private FirstRows firstRows = null!;
    private TrainingPlan plan = null!;
    private int slotCount;
    private PlanSections sections = null!;
    private LoadedPlan loaded = null!;
    private ReplicaKeeper keeper = null!;
    private Task chores = Task.CompletedTask;
    private BatchFeeder? feeder;
    private StepCompleted? awaitingDigest;
    private StoppingState? stopping;
    private readonly List<TestRecord> tests = [];
    private KeptReplica? kept;
    private bool begun, cancelling;

    // Once it is interrupted: the last step that is to end here; operations of the device when it was last asked.
    private long last;
    private int undone;

    public WorkerActor(
        WorkerOrder order, IActorRef device, IActorRef conductor, ITransport transport, ReplicaStore replicas, WorkerResources resources,
        RuntimeSettings settings, TimeProvider time)
    {
        (this.order, this.device, this.conductor, this.replicas) = (order, device, conductor, replicas);
        (this.resources, this.settings, this.time) = (resources, settings, time);
        exchange = new WorkerExchange(transport);
        pipeline = new StepPipeline(settings.StepsAhead, order.Start.Step, order.Until);
        Compiling();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => OffDispatcher(() => new PlanCompiled(order.Compile(), resources.Hold(new FirstRows(order.Kept))));

    protected override void PostStop()
    {
        feeder?.Dispose();
        keeper?.Dispose();
        // Whoever reads the replica must have ended before the device is told to let go of it.
        if (loaded is not null)
            ((IAsyncResult)chores).AsyncWaitHandle.WaitOne();
    }

    private void Compiling()
    {
        Receive<PlanCompiled>(message =>
        {
            (plan, slotCount, firstRows) = (message.Plan.Plan, message.Plan.Slots, message.First);
            sections = new PlanSections(plan.Plan);
            exchange.Join(order.Membership.Rounds(order.Job, plan.Buckets.Length), order.Rank, order.LayoutOf(plan), firstRows.ByBucket(plan.Buckets.Length));
            device.Tell(new DeviceProtocol.LoadPlan(order.Job, plan.Plan, exchange));
            Become(Loading);
        });
        Receive<Status.Failure>(message => Refuse(message.Cause));
        NotBegun();
    }

    private void Loading()
    {
        Receive<DeviceProtocol.PlanLoaded>(message =>
        {
            loaded = message.Plan;
            var self = Self;
            keeper = new ReplicaKeeper(order, plan, loaded, replicas, (step, reason) =>
                self.Tell(new SaveFailed(order.Job, order.Generation, order.Rank, step, reason), self));
            Become(Waiting);
            Place();
        });
        Receive<DeviceProtocol.PlanRejected>(message => Refuse(message.Reason));
        NotBegun();
    }

    private void Waiting()
    {
        Receive<NodeJobProtocol.ReplicaArrived>(_ => Place());
        NotBegun();
    }

    private void Place()
    {
        stopping = order.Stopping ?? First?.Stopping;
        if (order.Start.Replica is null)
            device.Tell(new DeviceProtocol.RunSections(order.Job, WorkerTags.Initialise, [new SectionRun(sections.Initialise, [])]));
        else if (First is { } first)
            Chore(() => keeper.PutFirst(first, stopping));
        else
            return;
        Become(Placing);
    }

    private void Placing()
    {
        Receive<DeviceProtocol.SectionsCompleted>(_ =>
        {
            if (plan.Variables.Any(v => v.Given is not null))
                Chore(keeper.PutGiven);
            else
                Ready();
        });
        Receive<ChoreDone>(_ => Ready());
        Receive<DeviceProtocol.SectionsFailed>(message => Fail(message.Reason));
        Receive<Status.Failure>(message => Refuse(message.Cause));
        NotBegun();
    }

    /// <summary>Whatever its node began with is what the node still has.</summary>
    private void NotBegun()
    {
        Receive<NodeJobProtocol.InterruptWorker>(_ =>
        {
            Context.Parent.Tell(new NodeJobProtocol.WorkerRested(order.Generation, order.Rank, order.Start.Step));
            Become(Failed);
        });
        // It looks for it itself once its plan is loaded.
        Receive<NodeJobProtocol.ReplicaArrived>(_ => { });
    }

    private void Ready()
    {
        try
        {
            feeder = StartFeeder();
        }
        catch (OutOfDeviceMemoryException e)
        {
            Refuse(e.Message);
            return;
        }

        conductor.Tell(new WorkerReady(order.Job, order.Generation, order.Rank, plan.Buckets.Length));
        Become(Running);
    }

    private void Running()
    {
        Receive<StepsBegun>(message => message.Generation == order.Generation, _ =>
        {
            begun = true;
            Admit();
        });
        Receive<PreparedBatch>(batch =>
        {
            pipeline.Offer(batch);
            Admit();
        });
        Receive<DeviceProtocol.SectionsCompleted>(message => Completed(message.Tag, message.Busy));
        Receive<DigestTaken>(message =>
        {
            Report(message);
            Released();
        });
        Receive<ChoreDone>(_ => Released());
        Receive<HoldSteps>(message =>
        {
            pipeline.Limit = pipeline.Next;
            conductor.Tell(new StepsHeld(order.Job, order.Generation, order.Rank, message.Number, pipeline.Next));
        });
        Receive<RunSteps>(message =>
        {
            pipeline.Limit = message.Until;
            if (message.Tested is { } done)
                tests.Add(done);
            Admit();
        });
        Receive<TestJudged>(message =>
        {
            stopping = message.State;
            if (!message.IsBest)
                return;
            pipeline.Hold();
            Chore(keeper.KeepBest);
        });
        Receive<FinishSteps>(_ => Finish());
        Receive<DeviceProtocol.SectionsFailed>(message => message.ByPeers, message => Interrupted(message.Reason));
        Receive<DeviceProtocol.SectionsFailed>(message => Fail(message.Reason));
        Receive<FeedFailed>(message => Fail(message.Reason));
        Receive<Status.Failure>(message => Fail($"its replica could not be read: {message.Cause.Message}"));
        Receive<NodeJobProtocol.InterruptWorker>(Interrupt);
        Saving();
    }

    private void Finishing()
    {
        Receive<ReplicaKept>(message =>
        {
            kept = message.Kept;
            device.Tell(DeviceProtocol.GetStatus.Instance);
        });
        Receive<DeviceProtocol.DeviceStatus>(message => conductor.Tell(new WorkerFinished(
            order.Job, order.Generation, order.Rank, message.PeakBytes, loaded.PlannedBytes + StagingBytes, kept)));
        Receive<Status.Failure>(message => Fail($"its replica could not be read: {message.Cause.Message}"));
        Receive<NodeJobProtocol.InterruptWorker>(Interrupt);
        Saving();
        // Where a job ends before its last step, batches were read ahead; and whoever wanted it to rest comes too late.
        ReceiveAny(message => log.Debug("{0} after the last step", message.GetType().Name));
    }

    private void Saving()
    {
        Receive<SaveReplica>(message => OffDispatcher(() => new ReplicaSaved(
            order.Job, order.Generation, order.Rank, message.Step, keeper.Save(message.Step, stopping, message.Outcome))));
        Receive<ReplicaSaved>(conductor.Tell);
        Receive<SaveFailed>(conductor.Tell);
    }

    /// <summary>
    /// Steps whose rounds completed run to their end and are reported; the others are dropped before their update, but for the gradients of the
    /// next: those that are under way are finished, because whoever goes on need not compute them again. Then nothing is queued, and the device
    /// holds the replica of a step boundary, with the sums of a step beside it.
    /// </summary>
    private void Resting()
    {
        Receive<DeviceProtocol.SectionsCompleted>(message =>
        {
            Completed(message.Tag, message.Busy);
            Settle();
        });
        Receive<DigestTaken>(message =>
        {
            Report(message);
            Settle();
        });
        Receive<DeviceProtocol.SectionsFailed>(message => !cancelling && !message.ByPeers, message => Fail(message.Reason));
        // Chores are done one after the other: behind this one nobody reads the device any more.
        Receive<DeviceProtocol.WorkCancelled>(message => message.Failure is not null, message => Fail(message.Failure!));
        Receive<DeviceProtocol.WorkCancelled>(message =>
        {
            Timers.Cancel(nameof(RestDue));
            OffDispatcher(() => new AtRest(message.Finished > 0 ? ReadSums(last + 1) : null));
        });
        Receive<AtRest>(message => Context.Parent.Tell(new NodeJobProtocol.WorkerRested(order.Generation, order.Rank, last + 1, message.Sums)));
        Receive<RestDue>(_ => device.Tell(DeviceProtocol.GetStatus.Instance));
        Receive<DeviceProtocol.DeviceStatus>(status =>
        {
            if (undone != (undone = status.Queued + status.Running))
                Context.Parent.Tell(new NodeJobProtocol.WorkerResting(order.Generation, order.Rank));
        });
        Receive<NodeJobProtocol.TakeState>(message =>
        {
            ImmutableArray<TestRecord> known = [.. tests];
            OffDispatcher(() => new NodeJobProtocol.StateTaken(order.Generation, order.Rank, keeper.Take(last + 1, stopping), known, StepSums.Of(
                last + 1, order.Membership.Rounds(order.Job, plan.Buckets.Length),
                [.. order.Membership.Members.Where(m => m.Offer.Node == order.Member.Offer.Node).Select(m => m.Rank)], message.Brought)));
        });
        Receive<NodeJobProtocol.StateTaken>(message => Context.Parent.Tell(message));
        Receive<Status.Failure>(message => Fail($"its replica could not be read: {message.Cause.Message}"));
        Receive<ReplicaSaved>(conductor.Tell);
        Receive<SaveFailed>(conductor.Tell);
        ReceiveAny(message => log.Debug("{0} while it comes to rest", message.GetType().Name));
    }

    /// <summary>A peer did not come. Nothing more is admitted; what becomes of it the conductor says.</summary>
    private void Interrupted(string reason)
    {
        if (begun)
            conductor.Tell(new WorkerInterrupted(order.Job, order.Generation, order.Rank, reason));
        begun = false;
    }

    private void Interrupt(NodeJobProtocol.InterruptWorker interrupt)
    {
        begun = false;
        last = interrupt.LastCompleted ?? order.Start.Step - 1;
        Become(Resting);
        Settle();
    }

    private void Settle()
    {
        if (cancelling || pipeline.IsAt(last) || awaitingDigest is not null)
            return;
        cancelling = true;
        device.Tell(new DeviceProtocol.CancelWork(order.Job, $"{order.Generation} is over", new FirstSections(last + 1, GradientSections)));
        // Gradients may take long; that the device is at them its node has to hear.
        Timers.StartPeriodicTimer(nameof(RestDue), RestDue.Instance, settings.RestTimeout / 4);
    }

    /// <summary>What this worker has computed of a step that came to nothing.</summary>
    private BroughtSums? ReadSums(long step) => StepRows.Read(
        loaded, plan, plan.Layouts[order.LayoutIndex(plan, order.Agenda.Schedule[step])], exchange, order.Rank, step,
        order.Membership.Unfinished?.Step == step ? firstRows.Rows : []);

    /// <summary>What was under way may still report; none of it matters any more.</summary>
    private void Failed() => ReceiveAny(message => log.Debug("{0} after the end", message.GetType().Name));

    private void Admit()
    {
        while (begun && pipeline.Admit(time.GetTimestamp()) is { } batch)
        {
            device.Tell(new DeviceProtocol.RunSections(order.Job, batch.Tag, batch.Item switch
            {
                WorkItem.Train train => batch.Slot.ForStep(sections, order.LayoutIndex(plan, train.Step), train.Step.Step, train.Step.Samples),
                WorkItem.Evaluate evaluate => batch.Slot.ForEvaluation(sections, evaluate.Count),
                _ => throw new InvalidOperationException($"{batch.Item} is no work for a device"),
            }));
        }

        if (begun && pipeline.TakeSave() is { } step)
        {
            var state = stopping;
            Chore(() => keeper.BeginSave(step, state));
        }
    }

    private void Released()
    {
        pipeline.Release();
        Admit();
    }

    private void Completed(long tag, TimeSpan spent)
    {
        pipeline.Complete(tag, time.GetTimestamp(), spent);
        while (pipeline.Take() is var (batch, since, until, busy))
        {
            var sums = batch.Slot.Sums;
            feeder!.Return(batch.Slot);
            switch (batch.Item)
            {
                case WorkItem.Train train:
                    Report(train, new StepCompleted(
                        order.Job, order.Generation, order.Rank, train.Step.Step, sums.Loss, sums.Correct, time.GetElapsedTime(since, until)) { Busy = busy });
                    break;
                case WorkItem.Evaluate evaluate:
                    Report(evaluate, sums);
                    break;
            }
        }

        Admit();
    }

    private void Report(WorkItem.Train train, StepCompleted report)
    {
        if (train.DigestAfter)
        {
            awaitingDigest = report;
            OffDispatcher(() => new DigestTaken(keeper.Digest()));
        }
        else
        {
            conductor.Tell(report);
        }
    }

    private void Report(DigestTaken taken)
    {
        conductor.Tell(awaitingDigest! with { Digest = taken.Digest });
        awaitingDigest = null;
    }

    private void Report(WorkItem.Evaluate evaluate, BatchSums sums)
    {
        test.Add(sums);
        if (!evaluate.IsLast)
            return;
        conductor.Tell(new EvaluationCompleted(
            order.Job, order.Generation, order.Rank, evaluate.AfterStep, order.Member.EvaluationBatches.First, [.. test]));
        test.Clear();
    }

    private void Finish()
    {
        Become(Finishing);
        // One of each node: whoever wants it afterwards may find some of them gone.
        if (order.Membership.Members.First(m => m.Offer.Node == order.Member.Offer.Node).Rank == order.Rank)
            OffDispatcher(() => new ReplicaKept(keeper.Keep()));
        else
            device.Tell(DeviceProtocol.GetStatus.Instance);
    }

    /// <summary>Null: the job begins at first values. Kept by the node until all of its workers have begun.</summary>
    private JobState? First => order.Start.Replica is { } id ? replicas.Find(id) : null;

    private int StagingBytes => slotCount * StagingSlot.Bytes(order.StagingSize);

    private BatchFeeder StartFeeder()
    {
        var (self, size) = (Self, order.StagingSize);
        int each = StagingSlot.Bytes(size);
        var memory = resources.Hold<StagingMemory>(new StagingMemory(loaded.Backend, StagingBytes)).Memory;
        var slots = Enumerable.Range(0, slotCount).Select(i => new StagingSlot(memory.Slice(i * each, each), size)).ToArray();
        return new BatchFeeder(
            $"singa batches {order.Member.Offer.Device}", order.Agenda.Items(), order.Data, order.Definition.Seed, slots,
            batch => self.Tell(batch), reason => self.Tell(new FeedFailed(reason)));
    }

    private void Refuse(Exception cause)
    {
        // A model that does not fit is the author's business; anything else is ours and worth a stack trace in the log.
        if (cause is not (GraphException or JobRefusedException))
            log.Error(cause, "{0} could not compile its plan of job {1}", order.Member.Worker, order.Job);
        Refuse(cause.Message);
    }

    private void Refuse(string reason)
    {
        conductor.Tell(new WorkerRejected(order.Job, order.Generation, order.Rank, reason));
        Become(Failed);
    }

    private void Fail(string reason)
    {
        Timers.CancelAll();
        device.Tell(new DeviceProtocol.CancelWork(order.Job, reason));
        conductor.Tell(new WorkerFailed(order.Job, order.Generation, order.Rank, reason));
        Become(Failed);
    }

    private void Chore(Action work) => OffDispatcher(() =>
    {
        work();
        return ChoreDone.Instance;
    });

    /// <summary>
    /// Compiling, hashing and copying take long enough to keep them from threads that carry messages. One after the other: what was
    /// asked for first has happened when the next begins.
    /// </summary>
    private void OffDispatcher<T>(Func<T> work)
    {
        var chore = chores.ContinueWith(_ => work(), CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);
        chores = chore;
        chore.PipeTo(Self);
    }

    private sealed record PlanCompiled(WorkerPlan Plan, FirstRows First) : INoSerializationVerificationNeeded;

    private sealed record DigestTaken(string Digest) : INoSerializationVerificationNeeded;

    private sealed record ReplicaKept(KeptReplica Kept) : INoSerializationVerificationNeeded;

    private sealed record FeedFailed(string Reason) : INoSerializationVerificationNeeded;

    private sealed record AtRest(BroughtSums? Sums) : INoSerializationVerificationNeeded;

    private sealed record RestDue : INoSerializationVerificationNeeded, INotInfluenceReceiveTimeout
    {
        public static readonly RestDue Instance = new();
    }

    /// <summary>What the pipeline was held for is over.</summary>
    private sealed record ChoreDone : INoSerializationVerificationNeeded
    {
        public static readonly ChoreDone Instance = new();
    }
}
