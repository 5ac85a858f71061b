using Singa.Actors.Devices.Queue;

namespace Singa.Actors.Devices;

/// <summary>
/// What an exchange signals when it is over. Signals come from any thread and are collected without a lock; the executor, which
/// alone completes operations, picks them up.
/// </summary>
internal sealed class ExchangeTicket(Executor executor) : IExchangeCompletion
{
    private int signalled;

    public QueuedOperation? Operation { get; private set; }

    /// <summary>Null when the exchange succeeded.</summary>
    public string? Failure { get; private set; }

    /// <summary>The one signalled before, in the list that the executor takes.</summary>
    public ExchangeTicket? Next { get; set; }

    /// <summary>When the exchange was begun, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long Begun { get; private set; }

    public void Begin(QueuedOperation operation, long at)
    {
        (Operation, Begun) = (operation, at);
        Failure = null;
        Volatile.Write(ref signalled, 0);
    }

    public void Complete() => Signal(null);

    public void Fail(string reason) => Signal(reason);

    private void Signal(string? failure)
    {
        if (Interlocked.Exchange(ref signalled, 1) != 0)
            return;
        Failure = failure;
        executor.Arrived(this);
    }
}
