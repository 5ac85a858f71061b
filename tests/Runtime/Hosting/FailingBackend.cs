using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Tests.Hosting;

/// <summary>Does as told, mostly break, at its n-th launch, or at its n-th upload of so many bytes, and works otherwise.</summary>
internal sealed class FailingBackend(IBackend inner, int launches, Action failure, int uploads = 0, int uploadBytes = 0) : IBackend
{
    private int launched, uploaded;

    public DeviceProperties Properties => inner.Properties;

    public DeviceMemory Allocate(long bytes) => inner.Allocate(bytes);

    public void Free(DeviceMemory memory) => inner.Free(memory);

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset)
    {
        if (source.Length == uploadBytes && ++uploaded == uploads)
            failure();
        inner.Upload(source, target, offset);
    }

    public void Download(DeviceMemory source, long offset, Span<byte> target) => inner.Download(source, offset, target);

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
        inner.Copy(source, sourceOffset, target, targetOffset, bytes);

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => inner.Compile(kernel, blocks);

    public void Launch(CompiledKernel kernel, DeviceMemory? scratch)
    {
        if (++launched == launches)
            failure();
        inner.Launch(kernel, scratch);
    }

    public void Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();
}
