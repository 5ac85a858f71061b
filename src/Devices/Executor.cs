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
    private readonly OpQueue queue;
    private readonly IBackend backend;
    private readonly ConcurrentQueue<Action> errands = new();
    private readonly AutoResetEvent wake = new(false);
    private readonly Stack<ExchangeTicket> tickets = new();
    private readonly IdleSpin spin;
    private readonly Func<bool> hasWork;
    private readonly Thread thread;
    private ExchangeTicket? arrived;
    private int parked;
    private volatile bool stopping, abandoned;

    public Executor(string name, OpQueue queue, IBackend backend, TimeSpan spinTime)
    {
        (this.queue, this.backend) = (queue, backend);
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
            else if (!spin.Until(hasWork))
                Park();
        }

        while (errands.TryDequeue(out var errand))
            errand();
    }

    /// <summary>Runs one operation and returns the one to run after it where that is known.</summary>
    private QueuedOperation? Execute(QueuedOperation operation)
    {
        long start = Stopwatch.GetTimestamp();
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
                    Begin(job, exchange, operation);
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
            Fail(operation, job.Failure(operation, e.Message));
            return null;
        }

        long busy = Stopwatch.GetTimestamp() - start;
        if (!stopping)
            return queue.CompleteAndTake(operation, busy);
        queue.Complete(operation, busy);
        return null;
    }

    private void Begin(JobContext job, ExchangeKernel exchange, QueuedOperation operation)
    {
        var ticket = tickets.Count > 0 ? tickets.Pop() : new ExchangeTicket(this);
        ticket.Begin(operation);
        try
        {
            job.Exchange.Begin(exchange.Bucket, operation.Tag, job.Plan, exchange.Rows, ticket);
        }
        catch (Exception e)
        {
            ticket.Fail(e.Message);
        }
    }

    private void SettleArrived()
    {
        for (var ticket = Interlocked.Exchange(ref arrived, null); ticket is not null;)
        {
            var (operation, failure, following) = (ticket.Operation!, ticket.Failure, ticket.Next);
            ticket.Next = null;
            tickets.Push(ticket);
            if (failure is null)
                queue.Complete(operation);
            else
                Fail(operation, ((JobContext)operation.Lane.Context!).Failure(operation, failure));
            ticket = following;
        }
    }

    private void Fail(QueuedOperation operation, string reason)
    {
        var exchange = ((JobContext)operation.Lane.Context!).Exchange;
        queue.Fail(operation, reason);
        exchange.Abort(reason);
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
