using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>
/// How a bucket leaves a device and comes back as the total: what an <see cref="ExchangeKernel"/> runs. Bound to a job when its
/// plan is loaded; Devices knows nothing of transports.
/// </summary>
public interface IExchange
{
    /// <summary>
    /// Starts the exchange and returns at once; never blocks, never throws for an error of the world. Called on the device's executor
    /// thread when the last row has been written. Until <paramref name="done"/> is signalled the rows belong to the exchange.
    /// </summary>
    /// <param name="bucket">The bucket's number within the plan.</param>
    /// <param name="tag">The submission's tag: the step.</param>
    /// <param name="plan">Where the rows live; <see cref="LoadedPlan.HostRows"/> gives their address.</param>
    /// <param name="rows">Local subtree sums [rows, elements]; row 0 is the total afterwards.</param>
    void Begin(int bucket, long tag, LoadedPlan plan, Operand rows, IExchangeCompletion done);

    /// <summary>
    /// The device will not go on with this job's present work: whatever is in flight is to fail soon, here and at the peers. Any
    /// thread; may be called when nothing is in flight.
    /// </summary>
    void Abort(string reason);
}

/// <summary>The other end of an exchange that was begun. Exactly one of the two is called, once, from any thread.</summary>
public interface IExchangeCompletion
{
    void Complete();

    /// <param name="reason">A sentence that names who or what was in the way.</param>
    void Fail(string reason);
}

/// <summary>For jobs that never exchange anything, or whose one worker sums nothing: one row is its own total.</summary>
public sealed class LocalExchange : IExchange
{
    public static readonly LocalExchange Instance = new();

    private LocalExchange()
    {
    }

    public void Begin(int bucket, long tag, LoadedPlan plan, Operand rows, IExchangeCompletion done)
    {
        if (rows.Shape.Rank == 0 || rows.Shape[0] <= 1)
            done.Complete();
        else
            done.Fail($"bucket {bucket} has {rows.Shape[0]} rows and nobody to combine them; bind a worker's exchange when loading the plan");
    }

    public void Abort(string reason)
    {
    }
}
