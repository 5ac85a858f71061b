using System.Runtime.InteropServices;

namespace Singa.Actors.Devices.Cpu;

/// <summary>
/// Zeroed native memory, aligned to 64 bytes, with <see cref="Slack"/> readable bytes after its end so that a vector load may
/// reach over the last element. Large pieces lie in 2 MiB pages where the system has them: page faults are work.
/// </summary>
public sealed unsafe partial class CpuMemory : DeviceMemory
{
    public const int Slack = 512;

    private const int Alignment = 64;
    private const int HugePage = 2 << 20;
    private const int AdviseHugePages = 14;

    private byte* pointer;

    public CpuMemory(long bytes)
        : base(bytes)
    {
        bool large = bytes >= HugePage;
        long size = large ? (bytes + Slack + HugePage - 1) / HugePage * HugePage : bytes + Slack;
        pointer = (byte*)NativeMemory.AlignedAlloc((nuint)size, (nuint)(large ? HugePage : Alignment));
        if (large && OperatingSystem.IsLinux())
            _ = Advise(pointer, (nuint)size, AdviseHugePages);
        NativeMemory.Clear(pointer, (nuint)size);
    }

    /// <summary>The first byte. Null once freed.</summary>
    public byte* Pointer => pointer;

    public override nint HostAddress => (nint)pointer;

    public void Free()
    {
        NativeMemory.AlignedFree(pointer);
        pointer = null;
    }

    // Advice only: a kernel without huge pages refuses it and nothing is lost.
    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
