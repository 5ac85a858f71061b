using Singa.Actors.Runtime.Regrouping;

namespace Singa.Actors.Runtime.Tests.Simulation;

/// <summary>What must be, computed apart from all that is simulated.</summary>
internal sealed class Truth(int shards, long steps)
{
    public const int Buckets = 2;
    private readonly List<ulong> values = [0x5eed];

    public long Steps => steps;

    /// <summary>The replica before a step; it follows from the one before and from each shard exactly once.</summary>
    public ulong Value(long step)
    {
        while (values.Count <= step)
        {
            ulong before = values[^1];
            long at = values.Count - 1;
            ulong first = 0, second = 0;
            for (int shard = 0; shard < shards; shard++)
            {
                first += Contribution(at, shard, 0, before);
                second += Contribution(at, shard, 1, before);
            }

            values.Add(After(before, first, second));
        }

        return values[(int)step];
    }

    public static ulong Contribution(long step, int shard, int bucket, ulong replica) =>
        Mix(replica ^ Mix((ulong)step * 1_000_003 + (ulong)shard * 7 + (ulong)bucket));

    public static ulong After(ulong replica, ulong first, ulong second) => Mix(Mix(replica ^ first) + second);

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}

/// <summary>Something that must never be.</summary>
internal sealed class ViolationException(string message) : Exception(message);
