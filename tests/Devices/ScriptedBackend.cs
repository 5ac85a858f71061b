using System.Runtime.CompilerServices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests;

/// <summary>Host memory, and kernels that do what a test says.</summary>
internal sealed class ScriptedBackend(Action<Kernel>? launch = null, long scratch = 0) : IBackend
{
    public DeviceProperties Properties { get; } = new("test:0", "does what it is told", 1, long.MaxValue);

    public bool Disposed { get; private set; }

    public DeviceMemory Allocate(long bytes) => new PinnedMemory(bytes);

    public void Free(DeviceMemory memory)
    {
    }

    public void Upload(ReadOnlySpan<byte> source, DeviceMemory target, long offset) => source.CopyTo(((PinnedMemory)target).Bytes(offset));

    public void Download(DeviceMemory source, long offset, Span<byte> target) => ((PinnedMemory)source).Bytes(offset)[..target.Length].CopyTo(target);

    public void Copy(DeviceMemory source, long sourceOffset, DeviceMemory target, long targetOffset, long bytes) =>
        ((PinnedMemory)source).Bytes(sourceOffset)[..(int)bytes].CopyTo(((PinnedMemory)target).Bytes(targetOffset));

    public CompiledKernel Compile(Kernel kernel, IReadOnlyList<BlockAddress> blocks) => new Scripted(kernel, scratch);

    public void Launch(CompiledKernel kernel, DeviceMemory? memory) => launch?.Invoke(((Scripted)kernel).Kernel);

    public void Synchronize()
    {
    }

    public void Dispose() => Disposed = true;

    private sealed class Scripted(Kernel kernel, long scratch) : CompiledKernel
    {
        public Kernel Kernel => kernel;

        public override long ScratchBytes => scratch;
    }

    private sealed class PinnedMemory(long bytes) : DeviceMemory(bytes)
    {
        private readonly byte[] storage = GC.AllocateArray<byte>((int)bytes, pinned: true);

        public override unsafe nint HostAddress => (nint)Unsafe.AsPointer(ref storage[0]);

        public new Span<byte> Bytes(long offset) => storage.AsSpan((int)offset);
    }
}
