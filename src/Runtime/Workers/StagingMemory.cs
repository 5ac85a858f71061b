using System.Buffers;
using Singa.Actors.Devices;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// The host's side of all transfers of one worker, in one piece, from the device's own allocator where that hands out memory the
/// host can address: so it is counted with everything else the job holds there.
/// </summary>
internal sealed unsafe class StagingMemory : MemoryManager<byte>
{
    private readonly IBackend backend;
    private readonly byte[]? managed;
    private DeviceMemory? memory;

    public StagingMemory(IBackend backend, int bytes)
    {
        this.backend = backend;
        Bytes = bytes;
        memory = backend.Allocate(bytes);
        // A device out of the host's reach still counts the bytes: its driver wants as much pinned memory for the transfer.
        managed = memory.HostAddress == 0 ? GC.AllocateArray<byte>(bytes, pinned: true) : null;
    }

    public int Bytes { get; }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(memory is null, this);
        return managed ?? new Span<byte>((byte*)memory.HostAddress, Bytes);
    }

    /// <summary>Nothing here ever moves.</summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        fixed (byte* start = GetSpan())
            return new MemoryHandle(start + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref memory, null) is { } held)
            backend.Free(held);
    }
}
