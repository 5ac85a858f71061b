using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Singa.Actors.Bench.Training;

/// <summary>
/// How long a word takes from one core to another and back. Of two virtual cores the second may be a neighbour or lie on another chip, and change places
/// from minute to minute: small networks on two threads depend on it more than on anything else.
/// </summary>
internal static class HandOver
{
    private const int Times = 200_000;

    /// <summary>Nanoseconds, there and back.</summary>
    public static double Measure()
    {
        var word = new Word();
        var other = new Thread(() =>
        {
            for (int i = 0; i < Times; i++)
                Answer(ref word.Value, 2 * i + 1);
        });
        other.Start();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Times; i++)
        {
            Volatile.Write(ref word.Value, 2 * i + 1);
            while (Volatile.Read(ref word.Value) != 2 * i + 2)
            {
            }
        }

        double each = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Times;
        other.Join();
        return each;
    }

    private static void Answer(ref long word, long awaited)
    {
        while (Volatile.Read(ref word) != awaited)
        {
        }

        Volatile.Write(ref word, awaited + 1);
    }

    /// <summary>A line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private sealed class Word
    {
        [FieldOffset(128)]
        public long Value;
    }
}
