using System.Buffers.Binary;
using System.IO.Compression;

namespace Singa.Actors.Runtime.Tests.Data;

/// <summary>Image files made for a test, and two that were made elsewhere.</summary>
internal static class Pictures
{
    /// <summary>24×16, baseline: red is 9x + 13y, green 9x + 26y, blue 9x + 39y, each modulo 256, at quality 60.</summary>
    public static readonly byte[] Jpeg = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODh" +
        "MREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAQABgDASIAAhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAA" +
        "AAAAAAIEAwX/xAAmEAABAwIEBgMAAAAAAAAAAAABAgMRAAQFEhMhBjFBUXGBIiRh/8QAFQEBAQAAAAAAAAAAAAAAAAAAAgP/xAAhEQACAQIGAwAAAAAAAAAAAAABAgMABB" +
        "ESITFxoWGBkf/aAAwDAQACEQMRAD8Ajw/httMfEHwJrqhGGYeAFnVcBILbcKUCDBB6D3HKsE2t7eI+084tEQpOyEEDeSBtTuMJYbOjptJSRmeXGUeCdue1EyZmwzDhRj2d" +
        "KRiitlz3L+huaa4x15hOW0tG2lEKy5hmUrsY5J9z7iiotewYKoW5cuEkHJsmf0noe4mirLEV2jJ5bDqpi4uX1hiCr5AJ+trX/9k=");

    /// <summary>The same, progressive.</summary>
    public static readonly byte[] ProgressiveJpeg = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODh" +
        "MREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAQABgDASIAAhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAA" +
        "AAAAAAEDAgT/xAAVAQEBAAAAAAAAAAAAAAAAAAABAv/aAAwDAQACEAMQAAABj1YYsiXP/8QAGxAAAgMAAwAAAAAAAAAAAAAAAAECAxEEEiP/2gAIAQEAAQUCr4yPOsle0d" +
        "ZzGsWwR//EAB0RAAEEAgMAAAAAAAAAAAAAAAEAAgMREhMyUfD/2gAIAQMBAT8BxbGLkK2SHg2h7tf/xAAcEQABAwUAAAAAAAAAAAAAAAAAAQIREjFCkaH/2gAIAQIBAT8B" +
        "qlb6EbGPT//EABwQAAICAgMAAAAAAAAAAAAAAAABAiIRUSFBYf/aAAgBAQAGPwI29IrFIs2cYXp3Jn//xAAcEAACAwEAAwAAAAAAAAAAAAAAAREhMUFhkdH/2gAIAQEAAT" +
        "8hQ4Rt7BiOHlxNt/BKXl1YhOUWvhfvwMP/2gAMAwEAAgADAAAAEFMP/8QAGREBAAMBAQAAAAAAAAAAAAAAAQAhkTFh/9oACAEDAQE/EHO51hbH0BdtP//EABoRAAEFAQAA" +
        "AAAAAAAAAAAAAAEAESFxoTH/2gAIAQIBAT8QMBlA+mEXgjbMX//EAB0QAQACAgMBAQAAAAAAAAAAAAERIQAxQWGBcVH/2gAIAQEAAT8QgKPwnAwOJRgBGEeD2NZKmih0GN" +
        "ep9jNFHFDhcoViqyFGHxa3WT4NKOsu14f0nP/Z");

    /// <param name="pixel">Of column, row, channel.</param>
    /// <param name="channels">1 or 3.</param>
    public static byte[] Png(int width, int height, int channels, Func<int, int, int, byte> pixel)
    {
        var rows = new MemoryStream();
        for (int y = 0; y < height; y++)
        {
            rows.WriteByte(0);
            for (int x = 0; x < width; x++)
            {
                for (int channel = 0; channel < channels; channel++)
                    rows.WriteByte(pixel(x, y, channel));
            }
        }

        return PngOf(width, height, channels, rows.ToArray());
    }

    /// <param name="data">What is to be in it, whatever the header says.</param>
    public static byte[] PngOf(int width, int height, int channels, byte[] data, byte interlace = 0)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (8, (byte)(channels == 1 ? 0 : 2), interlace);
        var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(data);
        return [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, packed.ToArray()), .. Chunk("IEND"u8, [])];
    }

    /// <summary>24 bits a pixel, from the bottom up.</summary>
    public static byte[] Bmp(int width, int height, Func<int, int, int, byte> pixel)
    {
        int row = (3 * width + 3) / 4 * 4;
        var file = new byte[54 + row * height];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        (file[26], file[28]) = (1, 24);
        for (int place = 0; place < 3 * width * height; place++)
        {
            int x = place / 3 % width, y = place / 3 / width, channel = place % 3;
            file[54 + (height - 1 - y) * row + 3 * x + 2 - channel] = pixel(x, y, channel);
        }

        return file;
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] content)
    {
        var chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        type.CopyTo(chunk.AsSpan(4));
        content.CopyTo(chunk, 8);
        uint crc = uint.MaxValue;
        foreach (byte b in chunk.AsSpan(4, 4 + content.Length))
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }

        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), ~crc);
        return chunk;
    }
}
