using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Null;

/// <summary>Memory that is only a number.</summary>
public sealed class NullMemory(long bytes) : DeviceMemory(bytes);

/// <summary>
/// A device that plans and accounts without computing: memory is counted and never committed, kernels do nothing, what is read
/// back is zero. For capacity questions, for the cost of everything that is not arithmetic, and for tests.
/// </summary>
public sealed class NullBackend(string name = "null:0", long memoryBytes = long.MaxValue) : IBackend
{
    private static readonly NullKernel Kernel = new();

    public DeviceProperties Properties { get; } = new(name, "computes nothing", 1, memoryBytes);

    public DeviceMemory Allocate(long bytes) => new NullMemory(bytes);

    public void Free(DeviceMemory memory)
    {
    }

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset)
    {
    }

    public void Download(DeviceMemory source, long offset, Span<byte> target) => target.Clear();

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes)
    {
    }

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => Kernel;

    public void Launch(CompiledKernel kernel, DeviceMemory? scratch)
    {
    }

    public void Synchronize()
    {
    }

    public void Dispose()
    {
    }

    private sealed class NullKernel : CompiledKernel;
}
