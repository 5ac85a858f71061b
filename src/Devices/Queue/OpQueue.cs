using System.Collections.Immutable;
using System.Diagnostics;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Queue;

/// <summary>
/// The scheduling queue of one device. Sections come in, operations go out: each after all whose results it reads, whose
/// inputs it overwrites or whose outputs it replaces; among the ready ones by priority, then those that are only begun here, then by admission. Any thread may call
/// any member. In a steady state nothing is allocated.
/// </summary>
public sealed class OpQueue
{
    private readonly Lock gate = new();
    private readonly HazardGraph graph = new();
    private readonly ReadyHeap ready = new();
    private readonly Stack<QueuedOperation> operations = new(), finished = new();
    private readonly Stack<Submission> submissions = new();
    private readonly int depth;
    private List<Action>? whenDrained;
    private List<Action<bool>>? whenStill;
    private volatile bool paused;
    private long sequence;
    private int alive, running;

    /// <param name="depth">Submissions that one job may have in the queue.</param>
    public OpQueue(int depth = int.MaxValue) => this.depth = depth;

    /// <summary>Whether <see cref="Take"/> would find an operation.</summary>
    public bool HasReady => !paused && ready.Count > 0;

    /// <summary>Operations admitted and not started; operations started and not done.</summary>
    public (int Queued, int Running) Count
    {
        get
        {
            lock (gate)
                return (alive - running, running);
        }
    }

    /// <summary>What is in the queue now, in all and of each of these jobs.</summary>
    public QueueStatus Status(IEnumerable<JobLane> lanes)
    {
        lock (gate)
            return new QueueStatus(paused, alive - running, running, lanes.Select(l => new JobDepth(l.Job, l.Submissions, l.Alive)).ToSeq());
    }

    /// <summary>Gives a job its place; nothing to undo when it is dropped while quiet.</summary>
    /// <param name="context">Handed to whoever takes the job's operations.</param>
    public static JobLane Open(JobId job, PlanHazards hazards, object? context = null) => new(job, hazards, context);

    /// <summary>Admits sections in an order that is correct one after the other.</summary>
    /// <returns>Null, or the reason why not; the listener hears nothing of what was refused.</returns>
    public string? Admit(JobLane lane, long tag, ImmutableArray<SectionRun> sections, int priority, ISubmissionListener listener)
    {
        lock (gate)
        {
            if (Refusal(lane) is { } reason)
                return reason;
            var submission = submissions.Count > 0 ? submissions.Pop() : new Submission();
            submission.Reset(lane, tag, listener);
            lane.Append(submission);
            lane.Halted.Clear();
            lane.Failure = null;
            foreach (var section in sections)
            {
                Admit(submission, section, priority);
                submission.EndSection();
            }

            if (submission.Alive > 0)
                return null;
            Close(submission);
        }

        listener.Completed(tag, TimeSpan.Zero);
        return null;
    }

    /// <summary>Refuses whatever the job admits until <see cref="Cancel"/>: something was missing before it.</summary>
    public void Block(JobLane lane, string reason)
    {
        lock (gate)
            lane.Fault ??= reason;
    }

    /// <summary>The operation to run next, or null while all wait or the queue is paused. Whoever takes it owes <see cref="Complete"/> or <see cref="Fail"/>.</summary>
    public QueuedOperation? Take()
    {
        lock (gate)
            return TakeReady();
    }

    /// <summary>An operation is done: those that waited for it alone become ready.</summary>
    /// <param name="busyTicks">What it cost, in ticks of <see cref="Stopwatch"/>.</param>
    public void Complete(QueuedOperation operation, long busyTicks = 0) => Complete(operation, busyTicks, takeNext: false);

    /// <summary><see cref="Complete"/> and <see cref="Take"/> at the price of one.</summary>
    public QueuedOperation? CompleteAndTake(QueuedOperation operation, long busyTicks) => Complete(operation, busyTicks, takeNext: true);

    /// <summary>
    /// An operation could not be done: its submission fails, and with it all that the job admitted later. The job is refused until
    /// <see cref="Cancel"/>, because what it admits next would compute on half a step.
    /// </summary>
    /// <param name="byPeers">It was an exchange, and the device is well: sections that the submission has before it still run.</param>
    public void Fail(QueuedOperation operation, string reason, bool byPeers = false)
    {
        var told = new List<(ISubmissionListener Listener, long Tag, string Reason)>();
        List<Action>? quiet;
        lock (gate)
        {
            var (lane, submission) = (operation.Lane, operation.Submission);
            lane.IsFailedByPeers |= byPeers && lane.Fault is null;
            lane.Fault ??= $"step {submission.Tag} of job {lane.Job} failed: {reason}";
            int at = submission.Operations.IndexOf(operation), kept = byPeers ? submission.SectionsBefore(at) : 0;
            submission.Spoil(at);
            if (!byPeers)
                lane.Failure ??= reason;
            for (var each = submission; each is not null; each = each.Next)
                Drop(each, each == submission ? reason : lane.Fault, told, each == submission ? kept : 0);
            running--;
            Finish(operation);
            quiet = TakeQuiet(lane);
        }

        foreach (var (listener, tag, why) in told)
            listener.Failed(tag, why, byPeers);
        Call(quiet);
    }

    /// <summary>Drops the job's operations that have not started and calls <paramref name="quiet"/> once none of it is running; then it may admit again.</summary>
    /// <param name="finish">What is not dropped. Whoever takes operations must look again afterwards.</param>
    public void Cancel(JobLane lane, string reason, Action quiet, FirstSections? finish = null)
    {
        var told = new List<(ISubmissionListener Listener, long Tag, string Reason)>();
        List<Action>? calls;
        lock (gate)
        {
            lane.Fault ??= $"the work of job {lane.Job} is being cancelled: {reason}";
            (lane.WhenQuiet ??= []).Add(quiet);
            for (var each = lane.First; each is not null; each = each.Next)
                Drop(each, reason, told, finish is { } first && first.Tag == each.Tag ? first.Sections : 0);
            SettleFinished();
            calls = TakeQuiet(lane);
        }

        foreach (var (listener, tag, why) in told)
            listener.Failed(tag, why, byPeers: false);
        Call(calls);
    }

    /// <summary>Calls <paramref name="drained"/> when nothing is left; until then nothing new is admitted.</summary>
    public void Drain(Action drained)
    {
        lock (gate)
        {
            if (alive > 0)
            {
                (whenDrained ??= []).Add(drained);
                return;
            }
        }

        drained();
    }

    /// <summary>
    /// Hands out nothing more until <see cref="Resume"/>; jobs may go on admitting. Calls <paramref name="still"/> once nothing is running:
    /// with false where the queue was resumed before that.
    /// </summary>
    public void Pause(Action<bool> still)
    {
        lock (gate)
        {
            paused = true;
            if (running > 0)
            {
                (whenStill ??= []).Add(still);
                return;
            }
        }

        still(true);
    }

    /// <summary>Whoever takes operations must look again afterwards.</summary>
    public void Resume()
    {
        List<Action<bool>>? never;
        lock (gate)
        {
            paused = false;
            (never, whenStill) = (whenStill, null);
        }

        foreach (var still in never ?? [])
            still(false);
    }

    private string? Refusal(JobLane lane)
    {
        if (lane.Fault is not null)
            return lane.Fault;
        if (whenDrained is not null)
            return lane.Fault = "the device is being drained and takes no new work";
        int open = lane.Submissions;
        return open < depth ? null : lane.Fault = $"job {lane.Job} has {open} submissions queued, all that the device takes (singa.devices.queue-depth)";
    }

    private void Admit(Submission submission, SectionRun run, int priority)
    {
        var (lane, hazards) = (submission.Lane, submission.Lane.Hazards);
        if (hazards.UsesSharedArena[run.Section] && lane.Readers[hazards.SharedArena] >= 0)
            graph.Write(Enqueue(submission, run, -1, priority), hazards.SharedArena);

        var (reads, writes) = (hazards.Reads[run.Section], hazards.Writes[run.Section]);
        for (int i = 0; i < reads.Length; i++)
        {
            var operation = Enqueue(submission, run, i, priority);
            foreach (int resource in reads[i])
                graph.Read(operation, resource);
            foreach (int resource in writes[i])
                graph.Write(operation, resource);
            if (operation.Waits == 0)
                MakeReady(operation);
        }
    }

    private QueuedOperation Enqueue(Submission submission, SectionRun run, int index, int priority)
    {
        var operation = operations.Count > 0 ? operations.Pop() : new QueuedOperation();
        operation.Lane = submission.Lane;
        operation.Submission = submission;
        operation.Section = run.Section;
        operation.Index = index;
        operation.HostBuffers = run.HostBuffers;
        operation.Priority = priority;
        operation.RunsBeside = index >= 0 && submission.Lane.Hazards.RunsBeside[run.Section][index];
        operation.Sequence = sequence++;
        operation.Waits = 0;
        operation.State = OperationState.Waiting;
        operation.Edges = operation.Accesses = -1;
        submission.Add(operation);
        submission.Lane.Alive++;
        alive++;
        return operation;
    }

    private void MakeReady(QueuedOperation operation)
    {
        operation.State = OperationState.Ready;
        ready.Push(operation);
    }

    private QueuedOperation? TakeReady()
    {
        if (paused || ready.Pop() is not { } operation)
            return null;
        operation.State = OperationState.Running;
        running++;
        return operation;
    }

    private QueuedOperation? Complete(QueuedOperation operation, long busyTicks, bool takeNext)
    {
        ISubmissionListener? listener = null;
        List<Action>? quiet = null;
        QueuedOperation? next = null;
        long tag, total;
        lock (gate)
        {
            var (lane, submission) = (operation.Lane, operation.Submission);
            submission.BusyTicks += busyTicks;
            (tag, total) = (submission.Tag, submission.BusyTicks);
            if (submission.Alive == 1 && !submission.Reported)
                listener = submission.Listener;
            running--;
            Finish(operation);
            if (lane.Alive == 0 || (running == 0 && whenStill is not null))
                quiet = TakeQuiet(lane);
            if (takeNext)
                next = TakeReady();
        }

        listener?.Completed(tag, Stopwatch.GetElapsedTime(0, total));
        Call(quiet);
        return next;
    }

    /// <summary>Takes an operation out of everything; those it alone held up become ready, or follow it where nothing is to run.</summary>
    private void Finish(QueuedOperation operation)
    {
        finished.Push(operation);
        SettleFinished();
    }

    private void SettleFinished()
    {
        while (finished.TryPop(out var done))
        {
            while (graph.Release(done) is { } waiting)
            {
                if (--waiting.Waits > 0)
                    continue;
                if (waiting.IsBarrier || waiting.State == OperationState.Dropped)
                    finished.Push(waiting);
                else
                    MakeReady(waiting);
            }

            var (lane, submission) = (done.Lane, done.Submission);
            graph.Forget(done, done.IsBarrier ? [lane.Hazards.SharedArena] : lane.Hazards.Writes[done.Section][done.Index]);
            done.HostBuffers = default;
            done.Submission = null!;
            operations.Push(done);
            alive--;
            lane.Alive--;
            if (--submission.Alive == 0)
                Close(submission);
        }
    }

    private void Close(Submission submission)
    {
        if (submission.Reported)
            submission.Lane.Halted.Add(new FirstSections(submission.Tag, submission.SectionsRun));
        submission.Lane.Remove(submission);
        submissions.Push(submission);
    }

    /// <summary>What has not started will not run. Those that wait for something running leave when it is done.</summary>
    /// <param name="kept">The first so many sections still run.</param>
    private void Drop(Submission submission, string reason, List<(ISubmissionListener Listener, long Tag, string Reason)> told, int kept = 0)
    {
        if (!submission.Reported)
            told.Add((submission.Listener, submission.Tag, reason));
        submission.Reported = true;
        bool fromReady = false;
        for (int i = submission.EndOf(kept); i < submission.Count; i++)
        {
            var operation = submission.Operations[i];
            if (operation.Submission != submission || operation.State is OperationState.Running or OperationState.Dropped)
                continue;
            submission.Spoil(i);
            fromReady |= operation.State == OperationState.Ready;
            operation.State = OperationState.Dropped;
            if (operation.Waits == 0)
                finished.Push(operation);
        }

        if (fromReady)
            ready.RemoveDropped();
    }

    private List<Action>? TakeQuiet(JobLane lane)
    {
        List<Action>? calls = null;
        if (lane.Alive == 0 && lane.WhenQuiet is not null)
        {
            calls = lane.WhenQuiet;
            lane.WhenQuiet = null;
            (lane.Fault, lane.IsFailedByPeers) = (null, false);
            lane.Forget();
        }

        if (alive == 0 && whenDrained is not null)
        {
            calls = [.. calls ?? [], .. whenDrained];
            whenDrained = null;
        }

        if (running == 0 && whenStill is not null)
        {
            calls = [.. calls ?? [], .. whenStill.Select(still => (Action)(() => still(true)))];
            whenStill = null;
        }

        return calls;
    }

    private static void Call(List<Action>? actions)
    {
        if (actions is null)
            return;
        foreach (var action in actions)
            action();
    }
}
