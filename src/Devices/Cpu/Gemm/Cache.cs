using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// Lines that are wanted soon and that no processor expects: rows of a tile lie far apart, which is no stream. Where it cannot be asked for them
/// they come when they are wanted.
/// </summary>
internal static unsafe class Cache
{
    public const int LineBytes = 64;

    /// <summary>Whether so many bytes lie beyond the second-level cache, or drive out of it what else is needed.</summary>
    public static bool IsFar(long bytes) => bytes > 1 << 19;

    public static void Fetch(byte* first, nint rowBytes, int rows, int bytes)
    {
        if (!Sse.IsSupported)
            return;
        for (int i = 0; i < rows; i++, first += rowBytes)
        {
            for (int at = 0; at < bytes; at += LineBytes)
                Sse.Prefetch0(first + at);
        }
    }
}
