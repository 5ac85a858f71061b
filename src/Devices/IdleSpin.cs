using System.Diagnostics;

namespace Singa.Actors.Devices;

/// <summary>
/// Waits a moment for work before the thread is parked, because waking it costs tens of microseconds and on a busy machine
/// milliseconds. The moment grows to its limit while waiting pays and shrinks while it does not.
/// </summary>
internal sealed class IdleSpin(TimeSpan limit)
{
    private readonly long most = (long)(limit.TotalSeconds * Stopwatch.Frequency);
    private long patience = (long)(limit.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Whether <paramref name="found"/> became true within the moment.</summary>
    public bool Until(Func<bool> found)
    {
        if (most == 0)
            return false;
        long start = Stopwatch.GetTimestamp();
        var wait = default(SpinWait);
        do
        {
            // Yields the core now and then; never sleeps, which would cost a millisecond.
            wait.SpinOnce(sleep1Threshold: -1);
            if (found())
            {
                patience = Math.Min(most, 2 * patience);
                return true;
            }
        }
        while (Stopwatch.GetTimestamp() - start < patience);
        patience = Math.Max(most / 16, patience / 2);
        return false;
    }
}
