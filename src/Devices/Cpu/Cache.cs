using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;

namespace Singa.Actors.Devices.Cpu;

/// <summary>
/// Lines that are wanted soon and that no processor expects: rows of a tile lie far apart, which is no stream. Where it cannot be asked for them
/// they come when they are wanted.
/// </summary>
internal static unsafe class Cache
{
    public const int LineBytes = 64;

    private static readonly MethodInfo One = typeof(Sse).GetMethod(nameof(Sse.Prefetch0))!;

    /// <summary>What a core has of the second level for itself.</summary>
    public static readonly long SecondLevelBytes = SecondLevel() ?? 1 << 20;

    /// <summary>A pitch for so many bytes: an odd number of lines, so that what lies one below the other shares all of a cache and not a few of its places.</summary>
    public static long OddLines(long bytes) => ((bytes + LineBytes - 1) / LineBytes | 1) * LineBytes;

    /// <summary>Whether so many bytes, read again and again, lie beyond the second-level cache.</summary>
    public static bool IsBeyond(long bytes) => bytes > SecondLevelBytes;

    /// <summary>Whether what reaches over so many bytes and is touched once drives out of the second-level cache what else is needed.</summary>
    public static bool IsFar(long bytes) => bytes > SecondLevelBytes / 2;

    /// <summary>Whether so many bytes come from memory; less comes from a cache that all cores share, soon enough.</summary>
    public static bool IsInMemory(long bytes) => bytes >= 8 << 20;

    private static long? SecondLevel()
    {
        if (!X86Base.IsSupported)
            return null;
        // Deterministic cache parameters (Intel's leaf, AMD's): type of cache in the low five bits, 0 for no more, then its level.
        const uint amd = 0x8000001D;
        int leaf = (uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax >= amd && X86Base.CpuId(4, 0).Eax == 0 ? unchecked((int)amd) : 4;
        for (int i = 0; i < 8 && X86Base.CpuId(0, 0).Eax >= 4; i++)
        {
            var (kind, shape, sets, _) = X86Base.CpuId(leaf, i);
            if ((kind & 31) == 0)
                break;
            if ((kind >> 5 & 7) == 2)
                return (((uint)shape >> 22) + 1L) * ((shape >> 12 & 1023) + 1) * ((shape & 4095) + 1) * ((uint)sets + 1L);
        }

        return null;
    }

    /// <summary>Writes the fetching of the line whose address is on the stack.</summary>
    public static void Fetch(ILGenerator il)
    {
        if (Sse.IsSupported)
            il.Emit(OpCodes.Call, One);
        else
            il.Emit(OpCodes.Pop);
    }

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
