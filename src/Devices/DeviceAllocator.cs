using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices;

/// <summary>
/// Counts what a backend really holds: bytes now and at most. Everything else goes straight through. Closing it frees what others forgot,
/// and freeing that later does nothing.
/// </summary>
public sealed class DeviceAllocator(IBackend backend) : IBackend
{
    private readonly Lock gate = new();
    private readonly HashSet<DeviceMemory> live = [];

    /// <summary>The backend behind it.</summary>
    public IBackend Inner => backend;

    public long AllocatedBytes { get; private set; }

    public long PeakBytes { get; private set; }

    public DeviceProperties Properties => backend.Properties;

    public DeviceMemory Allocate(long bytes)
    {
        var memory = backend.Allocate(bytes);
        lock (gate)
        {
            live.Add(memory);
            AllocatedBytes += memory.Bytes;
            PeakBytes = Math.Max(PeakBytes, AllocatedBytes);
        }

        return memory;
    }

    public void Free(DeviceMemory memory)
    {
        lock (gate)
        {
            if (!live.Remove(memory))
                return;
            AllocatedBytes -= memory.Bytes;
        }

        backend.Free(memory);
    }

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) => backend.Upload(source, target, offset);

    public void Download(DeviceMemory source, long offset, Span<byte> target) => backend.Download(source, offset, target);

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
        backend.Copy(source, sourceOffset, target, targetOffset, bytes);

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => backend.Compile(kernel, blocks);

    public void Launch(CompiledKernel kernel, DeviceMemory? scratch) => backend.Launch(kernel, scratch);

    public void Synchronize() => backend.Synchronize();

    public void Dispose()
    {
        DeviceMemory[] left;
        lock (gate)
            left = [.. live];
        foreach (var memory in left)
            Free(memory);
        backend.Dispose();
    }
}
