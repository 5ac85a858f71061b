using System.Buffers.Binary;
using System.Text;

namespace Singa.Actors.Collective.Peers;

/// <summary>
/// How a blob travels on a connection of its own, on which both sides wait as ordinary threads do.
/// <code>
/// request: name length(2) name offset(8)
/// answer:  length(8), −1 for an error; then chunks: bytes(4) data, until the length is reached; −1 for an error
/// error:   sentence length(2) sentence
/// </code>
/// </summary>
internal static class BlobProtocol
{
    public const int ChunkBytes = 256 * 1024;

    private const int LongestText = 4096;

    public static void WriteText(Stream stream, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text.Length <= LongestText / 4 ? text : text[..(LongestText / 4)]);
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)bytes.Length);
        stream.Write(length);
        stream.Write(bytes);
    }

    /// <exception cref="IOException">It is too long to be one of ours, or the connection is gone.</exception>
    public static string ReadText(Stream stream)
    {
        Span<byte> length = stackalloc byte[2];
        stream.ReadExactly(length);
        int bytes = BinaryPrimitives.ReadUInt16LittleEndian(length);
        if (bytes > LongestText)
            throw new IOException($"a text of {bytes} bytes");
        byte[] text = new byte[bytes];
        stream.ReadExactly(text);
        return Encoding.UTF8.GetString(text);
    }

    public static void WriteInt64(Stream stream, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    public static long ReadInt64(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[8];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    public static void WriteInt32(Stream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    public static int ReadInt32(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[4];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }
}
