using System.Buffers.Binary;
using System.IO.Compression;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>
/// Whether a PNG file is whole, which decoders that are in a hurry do not look at: every chunk's length and checksum, and that the compressed
/// data is as long as the header says. Source: ISO/IEC 15948.
/// </summary>
internal static class PngCheck
{
    private const uint Header = 0x49484452, Data = 0x49444154, End = 0x49454E44;
    private const int HeaderBytes = 13, ChunkExtra = 12, SideMax = 1 << 26;

    private static readonly uint[] Crc = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1))];

    // First column and row of each pass, and the distances to the next.
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Null, or what is wrong.</summary>
    /// <param name="file">Begins with the signature.</param>
    public static string? Fault(ReadOnlySpan<byte> file)
    {
        using var data = new MemoryStream();
        long expected = -1;
        for (var rest = file[Signature.Length..]; rest.Length >= ChunkExtra;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(rest), type = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
            if (length > rest.Length - ChunkExtra)
                return "it is cut off";
            int end = 8 + (int)length;
            if (Checksum(rest[4..end]) != BinaryPrimitives.ReadUInt32BigEndian(rest[end..]))
                return "a checksum in it is wrong";
            if (expected < 0 && (type != Header || (expected = Expected(rest[8..end])) < 0))
                return "its header is damaged";
            if (type == Data)
                data.Write(rest[8..end]);
            if (type == End)
                return Inflates(data, expected) ? null : "its data is not what its header promises";
            rest = rest[(end + 4)..];
        }

        return "it is cut off";
    }

    /// <summary>How long the data of an image is before it is compressed; negative where there is no such image.</summary>
    private static long Expected(ReadOnlySpan<byte> header)
    {
        if (header.Length != HeaderBytes)
            return -1;
        long width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        int depth = header[8], samples = header[9] switch { 0 or 3 => 1, 2 => 3, 4 => 2, 6 => 4, _ => 0 };
        if (width is < 1 or > SideMax || height is < 1 or > SideMax || depth is not (1 or 2 or 4 or 8 or 16) || samples == 0)
            return -1;
        if (header[12] == 0)
            return Rows(width, height);
        return header[12] == 1 ? Passes.Sum(p => Rows((width - p.X + p.StepX - 1) / p.StepX, (height - p.Y + p.StepY - 1) / p.StepY)) : -1;

        long Rows(long columns, long rows) => columns < 1 || rows < 1 ? 0 : checked(rows * ((columns * samples * depth + 7) / 8 + 1));
    }

    private static bool Inflates(MemoryStream data, long expected)
    {
        data.Position = 0;
        try
        {
            using var inflated = new ZLibStream(data, CompressionMode.Decompress);
            var piece = new byte[1 << 14];
            while (expected >= 0 && inflated.Read(piece) is > 0 and var read)
                expected -= read;
        }
        catch (InvalidDataException)
        {
            return false;
        }

        return expected == 0;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
            crc = Crc[(crc ^ b) & 0xFF] ^ (crc >> 8);
        return ~crc;
    }
}
