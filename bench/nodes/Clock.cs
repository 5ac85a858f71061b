using System.Diagnostics;

namespace Singa.Actors.Bench.Nodes;

/// <summary>Seconds since the bench began; one clock for kills, commits and lines of logs.</summary>
internal static class Clock
{
    private static readonly long Begin = Stopwatch.GetTimestamp();

    public static double Now => Stopwatch.GetElapsedTime(Begin).TotalSeconds;
}
