namespace Singa.Actors.Collective;

/// <summary>
/// What is usual in a generation's rounds: how far apart the first and the last arrive, and how long nobody does before. Knows no clock. Not
/// thread-safe.
/// </summary>
public sealed class StepPace
{
    private const int Remembered = 31;

    private readonly List<TimeSpan> spreads = [];
    private readonly List<TimeSpan> pauses = [];
    private TimeSpan lastEnd;
    private int next;

    /// <param name="opened">Monotonic time at which the generation began.</param>
    public StepPace(TimeSpan opened) => lastEnd = opened;

    /// <summary>A round has completed.</summary>
    public void Completed(TimeSpan firstArrival, TimeSpan lastArrival, TimeSpan now)
    {
        Put(spreads, lastArrival - firstArrival);
        Put(pauses, Positive(firstArrival - lastEnd));
        next = (next + 1) % Remembered;
        lastEnd = now;
    }

    /// <summary>How long the round whose first member came at <paramref name="firstArrival"/> may wait for the others.</summary>
    /// <remarks>
    /// Where nothing is usual yet, the time that the first needed stands for it. After an interruption (a test of the model, a
    /// pause of the job) others get as long again as the first one took.
    /// </remarks>
    public TimeSpan Allow(TimeSpan firstArrival, StepDeadline deadline)
    {
        var pause = Positive(firstArrival - lastEnd);
        if (spreads.Count == 0)
            return Longer(deadline.FirstLeast, deadline.Factor * pause);
        var usual = Longer(deadline.Least, deadline.Factor * Median(spreads));
        return deadline.Factor > 0 && pause > 2 * Median(pauses) ? Longer(usual, pause) : usual;
    }

    private void Put(List<TimeSpan> values, TimeSpan value)
    {
        if (values.Count < Remembered)
            values.Add(value);
        else
            values[next] = value;
    }

    private static TimeSpan Median(List<TimeSpan> values)
    {
        Span<TimeSpan> sorted = stackalloc TimeSpan[values.Count];
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(values).CopyTo(sorted);
        sorted.Sort();
        return sorted[sorted.Length / 2];
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Positive(TimeSpan span) => Longer(span, TimeSpan.Zero);
}
