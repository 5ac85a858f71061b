using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Singa.Actors.Collective.Peers;

/// <summary>Why something that arrived was refused; the names are those of <see cref="IDataPlane.Refused"/>.</summary>
internal static class Refusal
{
    /// <summary>Bytes that are no handshake.</summary>
    public const string Garbage = "garbage";

    /// <summary>No certificate, or one of another secret.</summary>
    public const string Stranger = "another secret";

    /// <summary>A handshake that was recorded.</summary>
    public const string Replay = "replayed handshake";

    /// <summary>It hung up before it had shown who it is.</summary>
    public const string HungUp = "hung up";

    /// <summary>It did not finish its handshake in time.</summary>
    public const string Slow = "handshake too slow";

    /// <summary>More at once than one address may have before they have shown who they are.</summary>
    public const string Flood = "too many connections";

    /// <summary>It looks for an incarnation of this process that is no more, or is one itself.</summary>
    public const string Incarnation = "stale incarnation";

    /// <summary>It is configured otherwise.</summary>
    public const string Settings = "other settings";

    public const string Oversized = "oversized frame";

    /// <summary>A frame that makes no sense.</summary>
    public const string Malformed = "malformed frame";

    /// <summary>A frame of a generation that is over here.</summary>
    public const string Generation = "stale generation";
}

/// <summary>Counts what was refused, and writes a line about it, not more than one a second for each reason.</summary>
internal sealed class Refusals(Action<string> log, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Entry> counts = new();

    public ImmutableSortedDictionary<string, long> Counts =>
        counts.ToImmutableSortedDictionary(c => c.Key, c => Interlocked.Read(ref c.Value.Count), StringComparer.Ordinal);

    public void Count(string reason, string who, string detail)
    {
        var entry = counts.GetOrAdd(reason, static _ => new Entry());
        long count = Interlocked.Increment(ref entry.Count);
        long now = time.GetTimestamp(), due = Interlocked.Read(ref entry.QuietUntil);
        if (now >= due && Interlocked.CompareExchange(ref entry.QuietUntil, now + time.TimestampFrequency, due) == due)
            log($"refused {who} on the data port: {detail} ({reason}, {count} so far)");
    }

    private sealed class Entry
    {
        public long Count;
        public long QuietUntil;
    }
}

/// <summary>The other side is not let in, or does not let in.</summary>
internal sealed class HandshakeException(string reason, string message) : Exception(message)
{
    public string Refusal => reason;
}
