using System.Collections.Concurrent;
using System.Diagnostics;
using Singa.Actors.Devices.Queue;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>
/// A device's own thread. It takes the next ready operation off the queue by itself, so that no step ever waits for a
/// dispatcher; actors admit ahead and hear afterwards. Exchanges run beside it: it begins them and goes on with whatever else is ready.
/// </summary>
internal sealed class Executor : IDeviceThread
{
    /// <summary>Shorter ones would be more to write down than to know.</summary>
    private static readonly long HandOffTicks = Stopwatch.Frequency / 1_000_000;

    private readonly OpQueue queue;
    private readonly IBackend backend;
    private readonly ConcurrentQueue<Action> errands = new();
    private readonly AutoResetEvent wake = new(false);
    private readonly Stack<ExchangeTicket> tickets = new();
    private readonly IdleSpin spin;
    private readonly IExecutionObserver? observer;
    private readonly Func<bool> hasWork;
    private readonly Thread thread;
    private ExchangeTicket? arrived;
    private int parked;
    private volatile bool stopping, abandoned;

    // The thread's own notes: when it last ended something, since when it has found nothing to do (0: it has), exchanges in flight.
    private long lastEnd, idleSince;
    private int flying;

    public Executor(string name, OpQueue queue, IBackend backend, TimeSpan spinTime, IExecutionObserver? observer = null)
    {
        (this.queue, this.backend, this.observer) = (queue, backend, observer);
        spin = new IdleSpin(spinTime);
        hasWork = () => HasWork;
        thread = new Thread(Loop) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Call after admitting to the queue.</summary>
    public void Wake()
    {
        // Between what was published before and the look at the flag: the executor raises the flag first and looks for work then.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref parked) == 1 && Interlocked.Exchange(ref parked, 0) == 1)
            wake.Set();
    }

    /// <summary>Runs an errand between two operations. It must not throw.</summary>
    public void Post(Action errand)
    {
        errands.Enqueue(errand);
        Wake();
    }

    public void Run(Action action)
    {
        if (Thread.CurrentThread == thread)
        {
            action();
            return;
        }

        ObjectDisposedException.ThrowIf(stopping, this);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                action();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        done.Task.GetAwaiter().GetResult();
    }

    /// <summary>
    /// Returns when nothing runs any more and the thread has ended; what is queued stays undone. False when exchanges are still in
    /// flight after <paramref name="grace"/>: somebody may be writing to this device's memory.
    /// </summary>
    public bool Stop(TimeSpan grace)
    {
        stopping = true;
        Wake();
        if (!thread.Join(grace))
        {
            abandoned = true;
            Wake();
            return false;
        }

        wake.Dispose();
        return true;
    }

    internal void Arrived(ExchangeTicket ticket)
    {
        ExchangeTicket? head;
        do
        {
            head = Volatile.Read(ref arrived);
            ticket.Next = head;
        }
        while (Interlocked.CompareExchange(ref arrived, ticket, head) != head);
        Wake();
    }

    private bool HasWork => queue.HasReady || Volatile.Read(ref arrived) is not null || !errands.IsEmpty || Over;

    private bool Over => stopping && (abandoned || queue.Count.Running == 0);

    private void Loop()
    {
        QueuedOperation? next = null;
        while (next is not null || !Over)
        {
            if (!errands.IsEmpty && errands.TryDequeue(out var errand))
                errand();
            if (Volatile.Read(ref arrived) is not null)
                SettleArrived();
            next ??= stopping ? null : queue.Take();
            if (next is not null)
                next = Execute(next);
            else
                Idle();
        }

        while (errands.TryDequeue(out var errand))
            errand();
    }

    /// <summary>Runs one operation and returns the one to run after it where that is known.</summary>
    private QueuedOperation? Execute(QueuedOperation operation)
    {
        long start = Stopwatch.GetTimestamp();
        if (observer is not null)
            TellBefore(start);
        var job = (JobContext)operation.Lane.Context!;
        var kernel = job.Plan.Plan.Sections[operation.Section].Operations[operation.Index].Kernel;
        try
        {
            switch (kernel)
            {
                case UploadKernel upload:
                    HostTransfer.Upload(job.Plan, upload, operation.HostBuffers[upload.Slot].Span);
                    break;
                case DownloadKernel download:
                    HostTransfer.Download(job.Plan, download, operation.HostBuffers[download.Slot].Span);
                    break;
                case ExchangeKernel exchange:
                    backend.Synchronize();
                    Begin(job, exchange, operation, start);
                    return null;
                default:
                    backend.Launch(job.Plan.Kernel(operation.Section, operation.Index)!, job.Plan.Scratch);
                    break;
            }

            if (operation.IsLast)
                backend.Synchronize();
        }
        catch (Exception e)
        {
            Fail(operation, job.Failure(operation, e.Message), byPeers: false);
            return null;
        }

        long end = lastEnd = Stopwatch.GetTimestamp();
        observer?.Saw(new Execution(ExecutionKind.Operation, job.Plan.Plan, operation.Section, operation.Index, operation.Tag, start, end));
        if (!stopping)
            return queue.CompleteAndTake(operation, end - start);
        queue.Complete(operation, end - start);
        return null;
    }

    private void Begin(JobContext job, ExchangeKernel exchange, QueuedOperation operation, long start)
    {
        var ticket = tickets.Count > 0 ? tickets.Pop() : new ExchangeTicket(this);
        ticket.Begin(operation, start);
        flying++;
        try
        {
            job.Exchange.Begin(exchange.Bucket, operation.Tag, job.Plan, exchange.Rows, ticket);
        }
        catch (Exception e)
        {
            ticket.Fail(e.Message);
        }

        if (observer is null)
            return;
        lastEnd = Stopwatch.GetTimestamp();
        observer.Saw(new Execution(ExecutionKind.Exchange, job.Plan.Plan, operation.Section, operation.Index, operation.Tag, start, lastEnd));
    }

    private void SettleArrived()
    {
        long now = observer is null ? 0 : Stopwatch.GetTimestamp();
        if (idleSince != 0)
            EndWait(now);
        for (var ticket = Interlocked.Exchange(ref arrived, null); ticket is not null;)
        {
            var (operation, failure, following) = (ticket.Operation!, ticket.Failure, ticket.Next);
            flying--;
            observer?.Saw(new Execution(
                ExecutionKind.Flight, ((JobContext)operation.Lane.Context!).Plan.Plan, operation.Section, operation.Index, operation.Tag, ticket.Begun, now));
            ticket.Next = null;
            tickets.Push(ticket);
            if (failure is null)
                queue.Complete(operation);
            else
                Fail(operation, ((JobContext)operation.Lane.Context!).Failure(operation, failure), byPeers: true);
            ticket = following;
        }
    }

    private void Fail(QueuedOperation operation, string reason, bool byPeers)
    {
        var exchange = ((JobContext)operation.Lane.Context!).Exchange;
        queue.Fail(operation, reason, byPeers);
        exchange.Abort(reason);
    }

    private void Idle()
    {
        if (observer is not null && idleSince == 0)
            idleSince = lastEnd;
        if (!spin.Until(hasWork))
            Park();
    }

    private void TellBefore(long start)
    {
        if (idleSince != 0)
            EndWait(start);
        else if (lastEnd != 0 && start - lastEnd > HandOffTicks)
            observer!.Saw(new Execution(ExecutionKind.HandOff, null, 0, 0, 0, lastEnd, start));
    }

    /// <summary>Also when an exchange arrives, because what is waited for may be something else from then on.</summary>
    private void EndWait(long now)
    {
        var kind = flying > 0 ? ExecutionKind.PeerWait : ExecutionKind.WorkWait;
        observer!.Saw(new Execution(kind, null, 0, 0, 0, idleSince, now));
        (idleSince, lastEnd) = (0, now);
    }

    private void Park()
    {
        Interlocked.Exchange(ref parked, 1);
        if (HasWork && Interlocked.Exchange(ref parked, 0) == 1)
            return;
        // Where somebody lowered the flag in between, the signal is on its way and this returns at once.
        wake.WaitOne();
    }
}
