using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

public enum ExecutionKind : byte
{
    /// <summary>A kernel, an upload or a download.</summary>
    Operation,

    /// <summary>What the device's thread spent on beginning an exchange: where it was the last to arrive, it also combined.</summary>
    Exchange,

    /// <summary>An exchange from its beginning until the device had the total, beside whatever else it did; these overlap everything.</summary>
    Flight,

    /// <summary>Nothing could run while an exchange was in flight.</summary>
    PeerWait,

    /// <summary>Nothing could run because nothing was admitted.</summary>
    WorkWait,

    /// <summary>
    /// Between one operation and the next that was ready: the queue's accounting, reports, errands. Told where it took longer than a
    /// microsecond.
    /// </summary>
    HandOff,
}

/// <summary>
/// Something a device did or waited for. Times are ticks of <see cref="System.Diagnostics.Stopwatch"/>; waits and hand-offs have no plan. On a device whose
/// kernels run behind the host's back an operation is the time of its launch.
/// </summary>
public readonly record struct Execution(ExecutionKind Kind, Plan? Plan, int Section, int Operation, long Tag, long Start, long End);

/// <summary>
/// Sees what one device does, in the order in which it ended, flights aside without overlap. Called on the device's own thread between
/// operations: it must return at once, and never throw.
/// </summary>
public interface IExecutionObserver
{
    void Saw(in Execution execution);
}
