using System.Runtime.InteropServices;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// Cuts what a connection brings into frames. They are looked at where they lie: a frame's payload is valid until the next read.
/// </summary>
internal sealed unsafe class FrameReader
{
    private readonly byte[] buffer;
    private readonly byte* address;
    private readonly int most;
    private int start, end;

    /// <param name="most">Bytes of a frame's payload at most.</param>
    public FrameReader(int most)
    {
        this.most = most;
        buffer = GC.AllocateUninitializedArray<byte>(4 * (most + FrameHeader.Bytes), pinned: true);
        address = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(buffer, 0);
    }

    /// <summary>Where the next bytes go. There is always room for the rest of a frame that has begun.</summary>
    public Memory<byte> Room()
    {
        if (start == end)
            start = end = 0;
        int whole = end - start < FrameHeader.Bytes ? FrameHeader.Bytes + most : FrameHeader.Bytes + Math.Clamp(Header.Length, 0, most);
        if (buffer.Length - start < whole)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        return buffer.AsMemory(end);
    }

    public void Took(int count) => end += count;

    /// <param name="payload"><c>header.Length</c> bytes.</param>
    /// <returns>Whether a whole frame is here.</returns>
    /// <exception cref="HandshakeException">The frame is larger than any of ours.</exception>
    public bool TryNext(out FrameHeader header, out nint payload)
    {
        (header, payload) = (default, 0);
        if (end - start < FrameHeader.Bytes)
            return false;
        header = Header;
        if ((uint)header.Length > (uint)most)
            throw new HandshakeException(Refusal.Oversized, $"a frame of {(uint)header.Length} bytes; {most} are the most");
        if (end - start < FrameHeader.Bytes + header.Length)
            return false;
        payload = (nint)(address + start + FrameHeader.Bytes);
        start += FrameHeader.Bytes + header.Length;
        return true;
    }

    private FrameHeader Header => MemoryMarshal.Read<FrameHeader>(buffer.AsSpan(start));
}
