using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>A piece of memory of one device; only the backend that handed it out knows what is behind it.</summary>
public abstract class DeviceMemory(long bytes)
{
    public long Bytes { get; } = bytes;

    /// <summary>Address of the first byte where the host can read and write this memory in place; 0 where it cannot.</summary>
    public virtual nint HostAddress => 0;
}

/// <summary>Where a plan's block lies once the plan is loaded. <c>Resting</c>: null where its content changes while sections run.</summary>
public readonly record struct BlockAddress(DeviceMemory Memory, long Offset, RestingBlock? Resting = null);

/// <summary>A kernel ready to be launched on the blocks it was compiled for. Launching allocates nothing.</summary>
public abstract class CompiledKernel
{
    /// <summary>Working memory the kernel needs while it runs, all threads together; the executor hands every kernel of a device the same piece.</summary>
    public virtual long ScratchBytes => 0;
}

public sealed record DeviceProperties(string Name, string Description, int Threads, long MemoryBytes);

/// <summary>
/// What a kind of device must be able to do. Called from the device's executor thread, one call at a time; only
/// <see cref="Allocate"/>, <see cref="Free"/> and <see cref="Properties"/> may be called from elsewhere.
/// </summary>
public interface IBackend : IDisposable
{
    DeviceProperties Properties { get; }

    /// <summary>Zeroed memory, aligned to 64 bytes at least.</summary>
    /// <exception cref="OutOfDeviceMemoryException"/>
    DeviceMemory Allocate(long bytes);

    void Free(DeviceMemory memory);

    void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset);

    void Download(DeviceMemory source, long offset, Span<byte> target);

    void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes);

    /// <summary>Kernels that move bytes to or from the host or other workers never come here: the executor does those.</summary>
    CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks);

    void Launch(CompiledKernel kernel, DeviceMemory? scratch);

    /// <summary>Returns when everything launched is done.</summary>
    void Synchronize();
}

public sealed class OutOfDeviceMemoryException(string device, long bytes, Exception? inner = null)
    : Exception($"{device} cannot allocate {bytes / 1048576.0:0.0} MiB more; a smaller batch or another device would help", inner);
