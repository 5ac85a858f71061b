using System.Runtime.InteropServices;

namespace Singa.Actors.Collective.Peers;

/// <summary>Frames whose payload is a few fields; they are rare.</summary>
internal static class Frames
{
    public static Frame Of(FrameKind kind, uint group, MemoryStream payload)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)payload.Length, pinned: true);
        payload.GetBuffer().AsSpan(0, bytes.Length).CopyTo(bytes);
        var header = new FrameHeader { Kind = kind, Group = group, Length = bytes.Length };
        return new Frame(header, Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0), Keep: bytes);
    }

    /// <exception cref="HandshakeException">The payload is no such fields.</exception>
    public static unsafe T Read<T>(in FrameHeader header, nint payload, Func<BinaryReader, T> read)
    {
        using var stream = new UnmanagedMemoryStream((byte*)payload, header.Length);
        using var reader = new BinaryReader(stream);
        try
        {
            return read(reader);
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            throw new HandshakeException(Refusal.Malformed, $"a frame {header.Kind} makes no sense: {e.Message}");
        }
    }
}
