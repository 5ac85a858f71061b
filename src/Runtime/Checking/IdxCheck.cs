using System.Buffers.Binary;
using System.IO.Compression;

namespace Singa.Actors.Runtime.Checking;

/// <summary>An IDX file of any of the format's types, plain or gzipped: the header, and as many bytes after it as it promises.</summary>
internal static class IdxCheck
{
    private const int PieceBytes = 1 << 16, RankMax = 16;

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static void Run(Stream file)
    {
        bool zipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        if (!zipped)
        {
            long bytes = Header(file, out long header);
            if (header + bytes != file.Length)
                throw new InvalidDataException($"its header promises {header + bytes:N0} bytes, it has {file.Length:N0}");
            return;
        }

        using var content = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
        try
        {
            Unzipped(file, content);
        }
        catch (InvalidDataException e) when (e.InnerException is not null || e.TargetSite?.DeclaringType?.Namespace?.StartsWith("System.IO.Compression", StringComparison.Ordinal) == true)
        {
            throw new InvalidDataException("it is a truncated or damaged gzip file", e);
        }
    }

    private static void Unzipped(Stream file, Stream content)
    {
        long promised = Header(content, out long header), read = 0;
        var piece = new byte[PieceBytes];
        int now;
        while (read <= promised && (now = content.Read(piece)) > 0)
            read += now;
        if (read != promised)
            throw new InvalidDataException($"its header promises {promised:N0} bytes, {(read > promised ? "more follow" : $"{read:N0} follow")}");
        // A gzip file ends with the length of its content; the stream forgives where that end is cut off.
        Span<byte> trailer = stackalloc byte[sizeof(uint)];
        file.Position = file.Length - trailer.Length;
        file.ReadExactly(trailer);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != (uint)(header + promised))
            throw new InvalidDataException("it is a truncated gzip file or made of several parts");
    }

    /// <summary>How many bytes the header promises after itself.</summary>
    private static long Header(Stream content, out long length)
    {
        Span<byte> magic = stackalloc byte[4], dimension = stackalloc byte[4];
        if (content.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) < magic.Length)
            throw new InvalidDataException("it ends within its first four bytes");
        int size = magic[2] switch { 0x08 or 0x09 => 1, 0x0B => 2, 0x0C or 0x0D => 4, 0x0E => 8, _ => 0 };
        if (magic[0] != 0 || magic[1] != 0 || size == 0 || magic[3] is 0 or > RankMax)
            throw new InvalidDataException($"it begins with 0x{BinaryPrimitives.ReadUInt32BigEndian(magic):x8}, which no IDX file does");
        long bytes = size;
        for (int axis = 0; axis < magic[3]; axis++)
        {
            if (content.ReadAtLeast(dimension, dimension.Length, throwOnEndOfStream: false) < dimension.Length)
                throw new InvalidDataException("it ends within its header");
            long dim = BinaryPrimitives.ReadUInt32BigEndian(dimension);
            if (dim > 0 && bytes > long.MaxValue / dim)
                throw new InvalidDataException("its header promises more bytes than there are anywhere");
            bytes *= dim;
        }

        length = 4 + 4L * magic[3];
        return bytes;
    }
}
