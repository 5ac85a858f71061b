using System.Runtime.InteropServices;

namespace Singa.Actors.Bench.Training;

/// <summary>Time that the calling thread computed: on a machine shared with others it says more than the wall's.</summary>
internal static partial class ThreadClock
{
    private const int ThreadCpuTime = 3;

    public static double Microseconds()
    {
        _ = clock_gettime(ThreadCpuTime, out var time);
        return time.Seconds * 1e6 + time.Nanoseconds * 1e-3;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Timespec time);

    private struct Timespec
    {
        public long Seconds;

        public long Nanoseconds;
    }
}
