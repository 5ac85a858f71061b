using System.Collections.Concurrent;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>Counts what was not let in, by reason.</summary>
public sealed class Refusals
{
    private readonly ConcurrentDictionary<string, long> counts = new();

    public long Total => counts.Values.Sum();

    public IReadOnlyDictionary<string, long> ByReason => counts;

    /// <returns>How often it has happened by now, this time included; whoever logs does so at the first and then ever more seldom.</returns>
    public long Count(string reason) => counts.AddOrUpdate(reason, 1, (_, count) => count + 1);

    /// <summary>Whether a line in the log is due: a stranger who tries all day fills no disk.</summary>
    public static bool IsWorthALine(long count) => long.IsPow2(count);
}
